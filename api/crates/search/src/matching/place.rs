//! Towns as people write them: in any language of the region, with a postal code or `Cedex`.

use std::collections::HashMap;
use std::sync::LazyLock;

use kernel::value::fold;
use kernel::vocabulary::{Named, vocabularies};

/// Towns of the regions that have a name in each language, beside those that the vocabulary of territories has.
const TOWNS: &[&[&str]] = &[
    // Flanders.
    &["Gent", "Gand", "Ghent"],
    &["Brugge", "Bruges"],
    &["Kortrijk", "Courtrai"],
    &["Leuven", "Louvain", "Löwen"],
    &["Mechelen", "Malines", "Mechlin"],
    &["Aalst", "Alost"],
    &["Oostende", "Ostende", "Ostend"],
    &["Ieper", "Ypres", "Ypern"],
    &["Roeselare", "Roulers"],
    &["Dendermonde", "Termonde"],
    &["Oudenaarde", "Audenarde"],
    &["Lier", "Lierre"],
    &["Tienen", "Tirlemont"],
    &["Vilvoorde", "Vilvorde"],
    &["Halle", "Hal"],
    &["Tongeren", "Tongres"],
    &["Sint-Truiden", "Saint-Trond"],
    &["Veurne", "Furnes"],
    &["Diksmuide", "Dixmude"],
    &["Menen", "Menin"],
    &["Geraardsbergen", "Grammont"],
    &["Ronse", "Renaix"],
    // Wallonia.
    &["Mons", "Bergen"],
    &["Tournai", "Doornik"],
    &["Mouscron", "Moeskroen"],
    &["Comines", "Komen"],
    &["Ath", "Aat"],
    &["Enghien", "Edingen"],
    &["Soignies", "Zinnik"],
    &["Braine-le-Comte", "'s-Gravenbrakel"],
    &["Braine-l'Alleud", "Eigenbrakel"],
    &["Wavre", "Waver"],
    &["Nivelles", "Nijvel"],
    &["Waremme", "Borgworm"],
    &["Huy", "Hoei"],
    &["Arlon", "Aarlen", "Arel"],
    &["Bastogne", "Bastenaken"],
    &["Saint-Vith", "Sankt Vith", "St. Vith"],
    &["Eupen", "Néau"],
    // Brussels.
    &["Ixelles", "Elsene"],
    &["Uccle", "Ukkel"],
    &["Forest", "Vorst"],
    &["Saint-Gilles", "Sint-Gillis"],
    &["Schaerbeek", "Schaarbeek"],
    &["Auderghem", "Oudergem"],
    &["Molenbeek-Saint-Jean", "Sint-Jans-Molenbeek", "Molenbeek"],
    &["Saint-Josse-ten-Noode", "Sint-Joost-ten-Node"],
    &["Watermael-Boitsfort", "Watermaal-Bosvoorde"],
    &["Woluwe-Saint-Lambert", "Sint-Lambrechts-Woluwe"],
    &["Woluwe-Saint-Pierre", "Sint-Pieters-Woluwe"],
    &["Berchem-Sainte-Agathe", "Sint-Agatha-Berchem"],
    // Nord-Pas-de-Calais.
    &["Roubaix", "Robaais"],
    &["Dunkerque", "Duinkerke", "Dunkirk", "Dünkirchen"],
    &["Arras", "Atrecht"],
    &["Cambrai", "Kamerijk"],
    &["Douai", "Dowaai"],
    &["Saint-Omer", "Sint-Omaars"],
    &["Hazebrouck", "Hazebroek"],
    &["Bergues", "Sint-Winoksbergen"],
    // Région Sud.
    &["Nice", "Nizza"],
];

/// Signs of countries before a postal code.
const COUNTRY_SIGNS: &[&str] = &["b", "f", "be", "fr", "d", "nl", "l", "lu"];

/// The number of a place in the gazetteer.
type Place = usize;

#[derive(Debug, Default)]
struct Gazetteer {
    by_name: HashMap<String, Vec<Place>>,
    by_territory: HashMap<&'static str, Place>,
}

static GAZETTEER: LazyLock<Gazetteer> = LazyLock::new(|| {
    let mut all = Gazetteer::default();
    for (place, territory) in vocabularies().territories.all.iter().enumerate() {
        let term = territory.term();
        all.by_territory.insert(&term.slug, place);
        let names = term.labels.iter().map(|label| label.text.as_str());
        for name in names.chain(term.aliases.iter().map(String::as_str)) {
            all.by_name.entry(plain(name)).or_default().push(place);
        }
    }
    let first = vocabularies().territories.all.len();
    for (place, names) in TOWNS.iter().enumerate() {
        for name in *names {
            all.by_name.entry(plain(name)).or_default().push(first + place);
        }
    }
    all
});

/// A town's name without postal code, district number and `Cedex`; `Saint` written out.
fn plain(city: &str) -> String {
    let folded = fold(city);
    let mut words: Vec<&str> = Vec::new();
    for word in folded.split(' ') {
        if word.contains(|c: char| c.is_ascii_digit()) {
            if words.last().is_some_and(|last| COUNTRY_SIGNS.contains(last)) {
                words.pop();
            }
        } else {
            match word {
                "" | "cedex" => {}
                "st" => words.push("saint"),
                "ste" => words.push("sainte"),
                word => words.push(word),
            }
        }
    }
    words.join(" ")
}

/// A town in a text that somebody wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Town {
    name: String,
    places: &'static [Place],
}

impl Town {
    /// Reads the town of a text; `None` where nothing is left without postal code, numbers and `Cedex`.
    pub fn of(city: &str) -> Option<Self> {
        let name = plain(city);
        let places = GAZETTEER.by_name.get(&name).map_or(&[][..], Vec::as_slice);
        (!name.is_empty()).then_some(Self { name, places })
    }

    /// Whether both are names of one town.
    pub fn is(&self, other: &Self) -> bool {
        self.name == other.name || self.places.iter().any(|place| other.places.contains(place))
    }

    /// Whether it is a name of the territory of this slug.
    pub fn is_territory(&self, slug: &str) -> bool {
        GAZETTEER.by_territory.get(slug).is_some_and(|place| self.places.contains(place))
    }

    /// Whether it is a name of the territory of this slug, or of one around it.
    pub fn is_around(&self, slug: &str) -> bool {
        let mut next = vocabularies().territories.get(slug);
        while let Some(territory) = next {
            if self.is_territory(&territory.term.slug) {
                return true;
            }
            next = territory.parent.as_deref().and_then(|parent| vocabularies().territories.get(parent));
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn same(one: &str, other: &str) -> bool {
        Town::of(one).unwrap().is(&Town::of(other).unwrap())
    }

    #[test]
    fn towns_have_names_in_several_languages() {
        for (one, other) in [
            ("Mons", "Bergen"),
            ("Gand", "GENT"),
            ("Lille", "Rijsel"),
            ("Luik", "Liège"),
            ("Brussels", "Bruxelles"),
            ("Namen", "Namur"),
            ("Aix", "Aix-en-Provence"),
            ("Saint-Omer", "St Omer"),
            ("59000 Lille", "Lille Cedex 2"),
            ("B-1000 Bruxelles", "Bruxelles"),
            ("Marseille 2e", "Marsiglia"),
            ("Xyzville", " xyzville "),
        ] {
            assert!(same(one, other), "{one} {other}");
        }
        for (one, other) in
            [("Lille", "Roubaix"), ("Mons", "Mons-en-Barœul"), ("Louvain", "Louvain-la-Neuve")]
        {
            assert!(!same(one, other), "{one} {other}");
        }
        assert_eq!(Town::of("59000"), None);
        assert_eq!(Town::of(" - "), None);
    }

    #[test]
    fn territories_are_places() {
        let lille = Town::of("Lille").unwrap();
        assert!(lille.is_territory("lille-metropole") && !lille.is_territory("tourcoing"));
        assert!(lille.is_around("tourcoing") && !lille.is_around("valenciennes"));
        assert!(!Town::of("Mons").unwrap().is_around("hainaut"));
    }

    proptest! {
        #[test]
        fn any_text_is_a_town_or_none(city in "\\PC{0,40}") {
            if let Some(town) = Town::of(&city) {
                prop_assert!(town.is(&town));
                prop_assert!(town.is(&Town::of(&city.to_lowercase()).unwrap()));
            }
        }
    }
}
