//! `bench generate`: a directory of any size, always the same for the same seed.
//!
//! Organizations come first, then talents, affiliations and partnerships: a reference always points
//! to an earlier line.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::time::Instant;

use crate::directory::{Directory, Size};
use crate::failure::Failure;
use crate::vocabulary::Vocabulary;

/// The arguments of `bench generate`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    size: Size,
    /// The beginning of the sources' names; each region's slug follows it.
    #[arg(long, default_value = "bench")]
    source: String,
    /// File to write; - is the standard output.
    #[arg(long, default_value = "-")]
    out: String,
}

/// Writes the file.
///
/// # Errors
/// Fails where the requested numbers exclude each other, or the file cannot be written.
pub(crate) fn command(arguments: &Arguments) -> Result<(), Failure> {
    let vocabulary = Vocabulary::load()?;
    let directory = Directory::new(&vocabulary, arguments.size.clone(), &arguments.source)?;
    let start = Instant::now();
    let outcome = if arguments.out == "-" {
        write(&directory, &mut BufWriter::with_capacity(1 << 18, io::stdout().lock()))
    } else {
        File::create(&arguments.out)
            .and_then(|file| write(&directory, &mut BufWriter::with_capacity(1 << 18, file)))
    };
    match outcome {
        // A reader that closes the pipe wants the beginning alone.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
        other => other.map_err(Failure::during(format_args!("writing {}", arguments.out)))?,
    }
    eprintln!(
        "{} records of the sources {} in {:.1} s",
        directory.total(),
        directory.sources.join(", "),
        start.elapsed().as_secs_f64()
    );
    Ok(())
}

fn write(directory: &Directory<'_>, to: &mut impl Write) -> io::Result<()> {
    for line in directory.lines() {
        serde_json::to_writer(&mut *to, &line)?;
        to.write_all(b"\n")?;
    }
    to.flush()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use serde_json::Value;

    use super::*;

    const SMALL: Size =
        Size { seed: 1, organizations: 700, talents: 900, affiliations: 2_000, partnerships: 600 };

    fn small(seed: u64) -> Size {
        Size { seed, ..SMALL }
    }

    fn bytes(size: &Size) -> Result<Vec<u8>, Failure> {
        let vocabulary = Vocabulary::load()?;
        let mut out = Vec::new();
        write(&Directory::new(&vocabulary, size.clone(), "bench")?, &mut out)
            .map_err(Failure::during("writing"))?;
        Ok(out)
    }

    fn records(size: &Size) -> Result<Vec<Value>, Failure> {
        serde_json::Deserializer::from_slice(&bytes(size)?)
            .into_iter()
            .collect::<Result<_, _>>()
            .map_err(Failure::during("reading"))
    }

    fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
        value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
        value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    #[test]
    fn same_seed_same_bytes() -> Result<(), Failure> {
        assert!(bytes(&small(1))? == bytes(&small(1))?);
        assert!(bytes(&small(1))? != bytes(&small(2))?);
        Ok(())
    }

    #[test]
    fn lines_are_as_many_as_asked_and_in_order() -> Result<(), Failure> {
        let kinds = ["organization", "talent", "affiliation", "partnership"];
        let written: Vec<usize> = records(&small(1))?
            .iter()
            .filter_map(|line| kinds.iter().position(|kind| line.get(kind).is_some()))
            .collect();
        assert!(written.is_sorted());
        assert_eq!(
            kinds
                .iter()
                .enumerate()
                .map(|(n, _)| written.iter().filter(|kind| **kind == n).count())
                .collect::<Vec<_>>(),
            [700, 900, 2_000, 600]
        );
        Ok(())
    }

    #[test]
    fn every_reference_points_to_an_earlier_line() -> Result<(), Failure> {
        let mut known = HashSet::new();
        let mut references = 0;
        for line in records(&small(1))? {
            let mut targets =
                vec![text(&line, "/affiliation/talent"), text(&line, "/affiliation/organization")];
            targets.extend(list(&line, "/organization/memberOf").iter().filter_map(Value::as_str));
            targets
                .extend(list(&line, "/partnership/parties").iter().map(|party| text(party, "/organization")));
            for target in targets.into_iter().filter(|target| !target.is_empty()) {
                assert!(known.contains(target), "{target} of {line}");
                references += 1;
            }
            assert!(known.insert(format!("{}:{}", text(&line, "/source"), text(&line, "/externalId"))));
        }
        assert!(references > 2 * 2_000 + 2 * 600);
        Ok(())
    }

    #[test]
    fn sources_write_their_own_region_only() -> Result<(), Failure> {
        for line in records(&small(1))? {
            for kind in ["organization", "talent", "partnership"] {
                let region = text(&line, &format!("/{kind}/region"));
                assert!(region.is_empty() || text(&line, "/source") == format!("bench-{region}"), "{line}");
            }
            let talent = text(&line, "/affiliation/talent");
            assert!(
                talent.is_empty() || talent.starts_with(&format!("{}:", text(&line, "/source"))),
                "{line}"
            );
        }
        Ok(())
    }

    #[test]
    fn slugs_are_unique_and_well_formed() -> Result<(), Failure> {
        for kind in ["organization", "talent", "partnership"] {
            let mut seen = HashSet::new();
            for line in records(&small(3))? {
                let slug = text(&line, &format!("/{kind}/slug")).to_owned();
                if slug.is_empty() {
                    continue;
                }
                assert!(
                    slug.split('-').all(|word| !word.is_empty()
                        && word.bytes().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit())),
                    "{slug}"
                );
                assert!(seen.insert(slug));
            }
        }
        Ok(())
    }

    #[test]
    fn slugs_are_of_the_vocabulary() -> Result<(), Failure> {
        let vocabulary = Vocabulary::load()?;
        for kind in &vocabulary.kinds {
            assert!(kind.sectors.iter().all(|slug| vocabulary.sector(slug).is_some()), "{}", kind.slug);
        }
        assert!(
            vocabulary
                .families
                .iter()
                .all(|family| { family.sectors.iter().all(|slug| vocabulary.sector(slug).is_some()) })
        );
        Ok(())
    }

    #[test]
    fn a_talent_is_affiliated_with_an_organization_once() -> Result<(), Failure> {
        let mut seen = HashSet::new();
        for line in records(&small(1))? {
            let pair = (
                text(&line, "/affiliation/talent").to_owned(),
                text(&line, "/affiliation/organization").to_owned(),
            );
            assert!(pair.0.is_empty() || seen.insert(pair), "{line}");
        }
        Ok(())
    }

    #[test]
    fn parties_differ_and_are_two_to_five() -> Result<(), Failure> {
        let mut across = 0;
        for line in records(&small(1))? {
            let parties: HashSet<&str> = list(&line, "/partnership/parties")
                .iter()
                .map(|party| text(party, "/organization"))
                .collect();
            if line.get("partnership").is_none() {
                continue;
            }
            assert!(
                (2..=5).contains(&parties.len())
                    && parties.len() == list(&line, "/partnership/parties").len(),
                "{line}"
            );
            let sources: HashSet<Option<&str>> =
                parties.iter().map(|party| party.split(':').next()).collect();
            across += usize::from(sources.len() > 1);
        }
        assert!(across > 200, "{across}");
        Ok(())
    }

    #[test]
    fn check_digits_are_right_and_numbers_unique() -> Result<(), Failure> {
        let mut seen = HashSet::new();
        for line in records(&small(1))? {
            for identifier in list(&line, "/organization/identifiers") {
                let value = text(identifier, "/value");
                assert!(seen.insert(value.to_owned()), "{value}");
                if text(identifier, "/scheme") == "SIREN" {
                    let sum: u32 = value
                        .chars()
                        .rev()
                        .filter_map(|digit| digit.to_digit(10))
                        .enumerate()
                        .map(
                            |(place, digit)| {
                                if place % 2 == 1 { digit * 2 / 10 + digit * 2 % 10 } else { digit }
                            },
                        )
                        .sum();
                    assert!(value.len() == 9 && sum.is_multiple_of(10), "{value}");
                } else {
                    let number: u64 = value.parse().map_err(Failure::during(value))?;
                    assert!(value.len() == 10 && 97 - number / 100 % 97 == number % 100, "{value}");
                }
            }
        }
        assert!((250..450).contains(&seen.len()), "{}", seen.len());
        Ok(())
    }

    #[test]
    fn impossible_numbers_are_refused() -> Result<(), Failure> {
        let vocabulary = Vocabulary::load()?;
        for refused in [Size { talents: 0, ..small(1) }, Size { organizations: 1, ..small(1) }] {
            assert!(Directory::new(&vocabulary, refused, "bench").is_err());
        }
        // The smallest possible directory: two organizations, and a talent who works for both.
        let least = Size { organizations: 2, talents: 1, affiliations: 8, partnerships: 5, ..small(1) };
        assert_eq!(records(&least)?.len(), 16);
        Ok(())
    }
}
