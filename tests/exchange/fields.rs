//! Replicated fields convert to rows and back without loss, for any content.

use passerelle::directory::KINDS;
use passerelle::kernel::value::DateTime;
use passerelle::kernel::{RecordType, Times, id};
use passerelle::records::write::replica::{self, Canonical, InvalidRevision, Received, hash};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

fn check(received: &Received) -> Result<(), InvalidRevision> {
    replica::check(KINDS, received)
}

/// A received revision with these fields.
fn received(of: RecordType, fields: &Value) -> Received {
    let canonical = Canonical::of(fields).unwrap();
    let now = DateTime::from_micros(1_800_000_000_000_000);
    Received {
        record_type: of,
        id: Uuid::from_u128(7),
        revision: 1,
        origin: "somewhere".into(),
        external: None,
        content_hash: canonical.hash,
        canonical: canonical.text,
        times: Times { created_at: now, updated_at: now },
        confirmed_at: None,
    }
}

fn text() -> impl Strategy<Value = String> {
    any::<String>().prop_map(|text| text.replace('\0', ""))
}

fn one_of(values: &'static [&'static str]) -> impl Strategy<Value = String> {
    proptest::sample::select(values).prop_map(str::to_owned)
}

fn date() -> impl Strategy<Value = String> {
    one_of(&["2009", "2009-07", "2009-07-01", "1999-12-31"])
}

fn url() -> impl Strategy<Value = Value> {
    let urls: &[&str] =
        &["https://example.org/", "https://example.org/a?b=c%20d#e", "http://xn--bcher-kva.example/"];
    proptest::sample::select(urls.to_vec()).prop_map(Value::from)
}

fn number() -> impl Strategy<Value = Option<i32>> {
    option::of(0..i32::MAX)
}

fn typed(of: &'static str) -> impl Strategy<Value = String> {
    any::<u128>().prop_map(move |bits| id::encode(of, Uuid::from_u128(bits)))
}

fn texts() -> impl Strategy<Value = Value> {
    let one = (one_of(&["FR", "NL", "EN", "DE"]), text());
    vec(one.prop_map(|(language, text)| json!({"language": language, "text": text})), 0..3)
        .prop_map(Value::from)
}

fn source() -> impl Strategy<Value = Value> {
    (text(), option::of(url()), option::of(date())).prop_map(|(title, url, on)| {
        let mut source = json!({"title": title});
        if let Some(url) = url {
            source["url"] = url;
        }
        if let Some(on) = on {
            source["publishedOn"] = on.into();
        }
        source
    })
}

fn claim() -> impl Strategy<Value = Value> {
    let qualifier = one_of(&["EXACT", "APPROXIMATELY", "MORE_THAN", "EXPECTED"]);
    (text(), text(), qualifier, any::<bool>(), source(), option::of(text())).prop_map(
        |(field, value, qualifier, preferred, source, note)| {
            let mut claim =
                json!({"field": field, "value": value, "qualifier": qualifier, "preferred": preferred, "source": source});
            if let Some(note) = note {
                claim["note"] = note.into();
            }
            claim
        },
    )
}

fn address() -> impl Strategy<Value = Value> {
    let point = (-90.0..90.0_f64, -180.0..180.0_f64);
    (vec(text(), 0..3), option::of(text()), option::of(text()), option::of(point)).prop_map(
        |(lines, code, city, point)| {
            let mut address = json!({"country": "FR"});
            if !lines.is_empty() {
                address["lines"] = lines.into();
            }
            if let Some(code) = code {
                address["postalCode"] = code.into();
            }
            if let Some(city) = city {
                address["city"] = city.into();
            }
            if let Some((latitude, longitude)) = point {
                address["location"] = json!({"latitude": latitude, "longitude": longitude});
            }
            address
        },
    )
}

fn organization() -> impl Strategy<Value = Value> {
    let names = (text(), option::of(text()), vec(text(), 0..3), texts());
    let place = (option::of(address()), option::of(url()), option::of(date()), number());
    let links = (option::of(typed("organization")), vec(typed("organization"), 0..3));
    let more = (0..3_i16, vec(source(), 0..2), vec(claim(), 0..2), option::of(text()));
    (names, place, links, more).prop_map(|(names, place, links, more)| {
        json!({
            "slug": "a-1", "region": "wallonie", "visibility": more.0, "kind": "animation-studio",
            "otherKinds": ["fund"], "status": "MERGED", "successor": links.0, "name": names.0, "acronym": names.1,
            "otherNames": names.2, "seatRegion": "flandre", "territory": null, "address": place.0,
            "servedRegions": ["wallonie", "flandre"], "website": place.1, "email": "a@example.org", "phone": more.3,
            "foundedOn": place.2, "dissolvedOn": null, "employeeCount": place.3, "studentCount": null,
            "languages": ["FR", "NL"], "identifiers": [{"scheme": "SIREN", "value": "552008443"}],
            "sectors": ["animation", "jeux-video"], "memberOf": links.1, "descriptions": names.3, "sources": more.1,
            "claims": more.2,
        })
    })
}

fn talent() -> impl Strategy<Value = Value> {
    let names = (text(), option::of(text()), option::of(text()), vec(text(), 0..3));
    let words = (texts(), texts(), vec(text(), 0..3), option::of(text()));
    let levels = (0..3_i16, 0..3_i16, 0..3_i16, 0..3_i16, 0..3_i16);
    let link = (text(), url()).prop_map(|(label, url)| json!({"label": label, "url": url}));
    let more = (any::<bool>(), vec(link, 0..2), vec(source(), 0..2), vec(claim(), 0..2));
    (names, words, levels, more).prop_map(|(names, words, levels, more)| {
        json!({
            "slug": "ada", "region": "wallonie", "visibility": levels.0, "displayName": names.0, "givenName": names.1,
            "familyName": names.2, "nameVariants": names.3, "identifiers": [], "claimed": more.0,
            "legalBasis": "PUBLIC_ROLE", "territory": null, "occupations": ["monteur"], "sectors": ["animation"],
            "skills": words.2, "languages": [{"language": "fr", "level": "NATIVE"}, {"language": "vgt", "level": "NATIVE"}],
            "availability": "FROM_DATE", "availableFrom": "2026-12-01", "website": null, "links": more.1,
            "email": null, "phone": words.3, "fieldVisibility": [levels.1, levels.2, levels.3, levels.4],
            "headlines": words.0, "biographies": words.1, "sources": more.2, "claims": more.3,
        })
    })
}

fn affiliation() -> impl Strategy<Value = Value> {
    let sides = (typed("talent"), typed("organization"));
    let words = (texts(), option::of(date()), option::of(date()), option::of(date()));
    let by = option::of(one_of(&["TALENT", "ORGANIZATION"]));
    (sides, words, vec(source(), 0..2), by).prop_map(|(sides, words, sources, by)| {
        let mut fields = json!({
            "talent": sides.0, "organization": sides.1, "roles": words.0, "occupation": null, "startsOn": words.1,
            "endsOn": words.2, "asOf": words.3, "assertedBy": "SOURCE", "sources": sources,
        });
        if let Some(by) = by {
            fields["disputedBy"] = by.into();
        }
        fields
    })
}

fn partnership() -> impl Strategy<Value = Value> {
    let amount = one_of(&["1850000.50", "0.00", "12.3456", "99999999.99"]);
    let party = (typed("organization"), option::of(text()), option::of(amount), option::of(0..1_i64 << 52));
    let party = party.prop_map(|(organization, title, amount, at)| {
        let currency = amount.as_ref().map(|_| "EUR");
        let mut party = json!({"organization": organization, "role": "LEAD", "title": title, "amount": amount,
            "currency": currency, "confirmedAt": at});
        if let (Some(at), None) = (at, title) {
            party["declinedAt"] = at.into();
        }
        party
    });
    (vec(party, 0..4), texts(), texts(), option::of(date()), vec(claim(), 0..2), 0..3_i16).prop_map(
        |(parties, titles, descriptions, on, claims, level)| {
            json!({
                "slug": "duo-2", "region": "flandre", "visibility": level, "kind": "co-funding", "status": "PROPOSED",
                "titles": titles, "descriptions": descriptions, "startsOn": on, "endsOn": null, "sectors": ["animation"],
                "parties": parties, "sources": [], "claims": claims,
            })
        },
    )
}

fn instant() -> impl Strategy<Value = Option<i64>> {
    option::of(0..1_i64 << 50)
}

fn event() -> impl Strategy<Value = Value> {
    let names = (texts(), texts(), option::of(text()), option::of(text()));
    let times = (option::of(date()), option::of(date()), instant(), instant(), instant());
    let zone = one_of(&["Europe/Paris", "Asia/Tokyo", "UTC"]);
    let day = (one_of(&["2026-03-29", "2026-10-25"]), one_of(&["02:30", "09:00"]), option::of(text()));
    let day = day.prop_map(|(date, opens, venue)| {
        let mut day = json!({"date": date, "opens": opens, "closes": "24:00"});
        if let Some(venue) = venue {
            day["venue"] = venue.into();
        }
        day
    });
    let session = (typed("event_session"), texts(), number(), instant(), option::of(text()));
    let session = (session, vec(typed("talent"), 0..2), vec(typed("organization"), 0..2));
    let session = session.prop_map(|((id, titles, count, at, room), speakers, organizations)| {
        json!({"id": id, "kind": "stand", "titles": titles, "count": count, "startsAt": at, "endsAt": null, "room": room,
            "speakers": speakers, "organizations": organizations})
    });
    let parties = (vec(typed("organization"), 0..3), vec(typed("talent"), 0..3), option::of(typed("event")));
    let place = (option::of(address()), option::of(url()), option::of(typed("organization")), number());
    let more = (vec(session, 0..3), vec(day, 0..3), vec(source(), 0..2), vec(claim(), 0..2), 0..3_i16);
    (names, times, zone, parties, place, more).prop_map(|(names, times, zone, parties, place, more)| {
        json!({
            "slug": "fair-1", "region": "wallonie", "visibility": more.4, "kind": "market", "mode": "HYBRID", "status": "POSTPONED",
            "titles": names.0, "descriptions": names.1, "series": "fairs", "edition": place.3, "parent": parties.2,
            "regions": ["wallonie", "flandre"], "startsOn": times.0, "endsOn": times.1, "startsAt": times.2, "endsAt": times.3,
            "timeZone": zone, "openingHours": more.1, "venue": names.2, "venueOrganization": place.2, "address": place.0,
            "territory": "namur", "website": place.1, "onlineUrl": null, "organizers": parties.0, "partners": [], "speakers": parties.1,
            "programme": more.0, "sectors": ["animation"], "expectedAttendance": null, "attendance": place.3, "capacity": null,
            "registrationMode": "ON_APPROVAL", "registrationClosesAt": times.4, "sources": more.2, "claims": more.3,
        })
    })
}

proptest! {
    #[test]
    fn events_stay_what_they_are(fields in event()) {
        prop_assert_eq!(check(&received(RecordType::Event, &fields)), Ok(()), "{}", fields);
    }

    #[test]
    fn organizations_stay_what_they_are(fields in organization()) {
        prop_assert_eq!(check(&received(RecordType::Organization, &fields)), Ok(()), "{}", fields);
    }

    #[test]
    fn talents_stay_what_they_are(fields in talent()) {
        prop_assert_eq!(check(&received(RecordType::Talent, &fields)), Ok(()), "{}", fields);
    }

    #[test]
    fn affiliations_stay_what_they_are(fields in affiliation()) {
        prop_assert_eq!(check(&received(RecordType::Affiliation, &fields)), Ok(()), "{}", fields);
    }

    #[test]
    fn partnerships_stay_what_they_are(fields in partnership()) {
        prop_assert_eq!(check(&received(RecordType::Partnership, &fields)), Ok(()), "{}", fields);
    }

    #[test]
    fn a_hash_is_told_in_one_way(bytes: [u8; 32]) {
        let text = passerelle::kernel::read::keyed::hex(&bytes);
        prop_assert_eq!(hash("contentHash", &text), Ok(bytes.to_vec()));
        prop_assert!(hash("contentHash", &text[1..]).is_err());
        prop_assert_eq!(hash("contentHash", &text.to_uppercase()).is_ok(), text == text.to_uppercase());
    }
}

#[test]
fn what_is_not_fit_names_its_field() {
    let whole = json!({
        "talent": id::encode("talent", Uuid::nil()), "organization": id::encode("organization", Uuid::nil()),
        "roles": [{"language": "FR", "text": "x"}], "occupation": null, "startsOn": null, "endsOn": null, "asOf": null,
        "assertedBy": "SOURCE", "sources": [],
    });
    let wrong = |change: Value| {
        let mut fields = whole.clone();
        fields.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        check(&received(RecordType::Affiliation, &fields)).unwrap_err()
    };
    for (change, path, word) in [
        (json!({"occupation": "alchemist"}), "occupation", "There is no occupation `alchemist`"),
        (json!({"aura": 1}), "aura", "unknown field"),
        (json!({"roles": [{"language": "FR"}]}), "roles[0]", "missing field `text`"),
        (json!({"roles": [{"language": "FR", "text": "x", "tone": "y"}]}), "roles", "would not be kept"),
        (json!({"roles": [{"language": "FR", "text": "\u{0}"}]}), "canonical", "U+0000"),
        (json!({"startsOn": "2009-13"}), "startsOn", "2009-13"),
        (json!({"talent": id::encode("organization", Uuid::nil())}), "talent", "another type"),
        (json!({"assertedBy": "NOBODY"}), "assertedBy", "NOBODY"),
        (json!({"disputedBy": "NOBODY"}), "disputedBy", "NOBODY"),
    ] {
        let unfit = wrong(change.clone());
        assert_eq!(unfit.path, path, "{change}: {unfit}");
        assert!(unfit.message.contains(word), "{change}: {unfit}");
        assert_eq!(unfit.of_vocabulary, path == "occupation");
    }
    let session = json!({"id": id::encode("event_session", Uuid::from_u128(9)), "kind": "stand", "titles": [], "count": null, "startsAt": null,
        "endsAt": null, "room": null, "speakers": [], "organizations": []});
    let event = json!({
        "slug": "fair", "region": "wallonie", "visibility": 0, "kind": "market", "mode": "ONSITE", "status": "SCHEDULED", "titles": [], "descriptions": [],
        "series": null, "edition": null, "parent": null, "regions": [], "startsOn": null, "endsOn": null, "startsAt": null, "endsAt": null,
        "timeZone": "Europe/Paris", "openingHours": [], "venue": null, "venueOrganization": null, "address": null, "territory": null, "website": null,
        "onlineUrl": null, "organizers": [], "partners": [], "speakers": [], "programme": [session], "sectors": [], "expectedAttendance": null,
        "attendance": null, "capacity": null, "registrationMode": "NONE", "registrationClosesAt": null, "sources": [], "claims": [],
    });
    assert_eq!(check(&received(RecordType::Event, &event)), Ok(()));
    for (change, path) in [
        (json!({"timeZone": "Europe/Lille"}), "timeZone"),
        (json!({"timeZone": "europe/paris"}), "timeZone"),
        (json!({"kind": "party"}), "kind"),
        (
            json!({"openingHours": [{"date": "2026-03-29", "opens": "9:00", "closes": "10:00"}]}),
            "openingHours[0].opens",
        ),
        (json!({"programme": [session, session]}), "programme"),
        (json!({"parent": id::encode("organization", Uuid::nil())}), "parent"),
    ] {
        let mut fields = event.clone();
        fields.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let unfit = check(&received(RecordType::Event, &fields)).unwrap_err();
        assert_eq!(unfit.path, path, "{change}: {unfit}");
    }
    let mut other = received(RecordType::Affiliation, &whole);
    assert_eq!(check(&other), Ok(()));
    other.canonical.push(' ');
    assert_eq!(check(&other).unwrap_err().path, "contentHash");
    let revision = Received { revision: 0, ..received(RecordType::Affiliation, &whole) };
    assert_eq!(check(&revision).unwrap_err().path, "revision");
}
