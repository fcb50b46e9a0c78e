//! The words that names are made of.
//!
//! Ordinary words and common first and family names: a combination that is a real person's name is chance.
//! The formatter leaves this file alone: one word per line would be a thousand lines.

/// French first names.
pub(crate) const GIVEN_FR: &[&str] = &[
    "Adèle", "Agnès", "Alain", "Alexandre", "Amélie", "Anaïs", "André", "Antoine", "Arnaud", "Arthur",
    "Aurélie", "Aurélien", "Aïcha", "Baptiste", "Bénédicte", "Benoît", "Bruno", "Camille", "Caroline",
    "Cécile", "Céline", "Chloé", "Christelle", "Clément", "Clémence", "Corentin", "Damien", "Delphine",
    "Denis", "Didier", "Édouard", "Élise", "Élodie", "Émilie", "Emmanuel", "Estelle", "Étienne", "Eugénie",
    "Fabien", "Farid", "Fatima", "Florence", "Florian", "François", "Françoise", "Frédéric", "Gaëlle",
    "Gauthier", "Geneviève", "Gérard", "Grégory", "Guillaume", "Hélène", "Hugo", "Inès", "Isabelle",
    "Jacques", "Jean-Baptiste", "Jean-Marc", "Jérôme", "Joël", "Joséphine", "Juliette", "Justine", "Karim",
    "Laetitia", "Laurent", "Léa", "Léo", "Léonie", "Loïc", "Louise", "Lucas", "Lucie", "Ludivine", "Maëlle",
    "Malika", "Manon", "Marc-Antoine", "Margaux", "Marie-Claire", "Marine", "Mathieu", "Mathilde", "Maxime",
    "Mehdi", "Mélanie", "Michaël", "Mireille", "Nadège", "Nadia", "Nathalie", "Nicolas", "Noémie", "Océane",
    "Olivier", "Ophélie", "Pascal", "Pauline", "Perrine", "Philippe", "Pierre", "Quentin", "Raphaël",
    "Rachid", "Régis", "Rémi", "Romain", "Sabrina", "Salomé", "Samir", "Sandrine", "Sébastien", "Séverine",
    "Simon", "Solène", "Sophie", "Stéphane", "Sylvie", "Théo", "Thérèse", "Thibault", "Thomas", "Valentin",
    "Valérie", "Véronique", "Victor", "Vincent", "Virginie", "Xavier", "Yann", "Yasmine", "Yves", "Zoé",
];

/// French and Walloon family names.
pub(crate) const FAMILY_FR: &[&str] = &[
    "Allard", "André", "Arnould", "Aubert", "Bailleul", "Barbier", "Baudry", "Beaumont", "Bécue", "Benali",
    "Bernard", "Bertrand", "Blanchet", "Blondel", "Boitel", "Bonnet", "Bouchard", "Boulanger", "Bourgeois",
    "Brasseur", "Cambier", "Capelle", "Caron", "Carpentier", "Castellan", "Charlier", "Chevalier", "Claeys",
    "Colin", "Collard", "Cordier", "Cousin", "Dambrine", "Daubresse", "Debruyne", "Decroix", "Defrance",
    "Delacroix", "Delattre", "Delcourt", "Delforge", "Delhaye", "Delmotte", "Demarque", "Denis", "Deprez",
    "Derycke", "Desmet", "Dessart", "Detournay", "Dewavrin", "Diallo", "Dubois", "Duchêne", "Dufour",
    "Dumoulin", "Dupuis", "Duquesne", "Evrard", "Fabre", "Ferrand", "Fiévet", "Flament", "Fontaine",
    "Fournier", "François", "Gallois", "Garcia", "Garnier", "Gautier", "Gérard", "Gilson", "Giraud",
    "Gosselin", "Grégoire", "Guérin", "Guilbert", "Haddad", "Hainaut", "Henneton", "Henrard", "Herbaut",
    "Hubert", "Huyghe", "Imbert", "Jacquemin", "Jacquet", "Joly", "Julien", "Khelifi", "Lacroix", "Laforge",
    "Lambert", "Laurent", "Lebrun", "Leclercq", "Lefebvre", "Lefèvre", "Legrand", "Lejeune", "Lemaire",
    "Lemoine", "Lenoir", "Leroy", "Letombe", "Lheureux", "Louchart", "Maes", "Maillard", "Malfait",
    "Marchal", "Marchand", "Maréchal", "Martin", "Masson", "Mathieu", "Mercier", "Meunier", "Michel",
    "Mignon", "Moreau", "Morel", "Nguyen", "Noël", "Olivier", "Parent", "Pécheux", "Perrin", "Petit",
    "Pinçon", "Piron", "Poulain", "Prévost", "Quéva", "Renard", "Reynaud", "Richez", "Rigaud", "Robert",
    "Rolland", "Rousseau", "Roussel", "Sauvage", "Servais", "Simonet", "Tellier", "Thiry", "Thomas",
    "Tison", "Toussaint", "Vaillant", "Vasseur", "Verhaeghe", "Vidal", "Vilain", "Wattel", "Wauters",
    "Ziani",
];

/// Dutch first names.
pub(crate) const GIVEN_NL: &[&str] = &[
    "Aaron", "Annelies", "Anke", "Arne", "Bart", "Bavo", "Bert", "Birgit", "Bram", "Britt", "Caroline",
    "Charlotte", "Daan", "David", "Dieter", "Dirk", "Dorien", "Eefje", "Elena", "Elke", "Els", "Emma",
    "Erik", "Eva", "Evelien", "Fien", "Filip", "Floris", "Freek", "Frederik", "Geert", "Gert", "Griet",
    "Gudrun", "Hanne", "Hannelore", "Hans", "Heleen", "Hilde", "Ilse", "Imane", "Ine", "Ingrid", "Jan",
    "Jana", "Jasper", "Jef", "Jelle", "Jeroen", "Joachim", "Joke", "Joost", "Jolien", "Joris", "Jorn",
    "Karel", "Karen", "Katrien", "Kenji", "Klaas", "Koen", "Kristof", "Lander", "Lars", "Leen", "Lien",
    "Lies", "Liesbeth", "Lieve", "Lore", "Lotte", "Luc", "Maarten", "Maaike", "Machteld", "Marieke",
    "Marijke", "Matthias", "Merel", "Mieke", "Mohamed", "Nele", "Nele-Marie", "Niels", "Nina", "Noor",
    "Pieter", "Pieter-Jan", "Rani", "Reinhilde", "Robbe", "Roel", "Ruben", "Ruth", "Sander", "Sara",
    "Seppe", "Siebe", "Sien", "Sigrid", "Sofie", "Stef", "Stefaan", "Steven", "Stijn", "Tess", "Thijs",
    "Tim", "Tine", "Tineke", "Tom", "Toon", "Trui", "Veerle", "Vera", "Wannes", "Ward", "Wendy", "Wim",
    "Wouter", "Yannick", "Yusuf", "Zoë",
];

/// Dutch family names.
pub(crate) const FAMILY_NL: &[&str] = &[
    "Aerts", "Baert", "Baeten", "Beeckman", "Bogaert", "Bosmans", "Bruyneel", "Callewaert", "Ceulemans",
    "Claes", "Claeys", "Cools", "Coppens", "Cornelis", "D’Haese", "D’hondt", "De Backer", "De Bock",
    "De Clercq", "De Coninck", "De Graeve", "De Grootte", "De Jonghe", "De Meester", "De Pauw", "De Ridder",
    "De Roeck", "De Smedt", "De Vos", "De Wilde", "De Winter", "Declercq", "Demeulemeester", "Desmet",
    "Devos", "Diels", "Engelen", "Everaert", "Geerts", "Gielen", "Goossens", "Haesaert", "Heylen",
    "Hendrickx", "Hermans", "Huybrechts", "Jacobs", "Janssen", "Janssens", "Kerkhofs", "Lambrechts",
    "Lauwers", "Leemans", "Lemmens", "Luyten", "Maes", "Mertens", "Meeus", "Michiels", "Moens", "Nijs",
    "Nuyts", "Ooms", "Pauwels", "Peeters", "Pieters", "Puype", "Raes", "Roels", "Rombouts", "Schepens",
    "Segers", "Simons", "Smets", "Smeyers", "Stevens", "Stroobants", "Swinnen", "Thijs", "Timmermans",
    "Tytgat", "Van Acker", "Van Damme", "Van den Berghe", "Van den Bossche", "Van den Broeck",
    "Van der Auwera", "Van der Straeten", "Van Dyck", "Van Hecke", "Van Hoof", "Van Impe", "Van Laer",
    "Van Looy", "Van Nieuwenhuyse", "Van Parys", "Vandamme", "Vandenberghe", "Vandeputte", "Vanderlinden",
    "Vandevelde", "Vanhoutte", "Verbeke", "Vercammen", "Verhaegen", "Verhelst", "Verhoeven", "Verlinden",
    "Vermeersch", "Vermeiren", "Vermeulen", "Verschueren", "Verstraete", "Vets", "Vleminckx", "Willems",
    "Wouters", "Wuyts", "Yildiz", "Zegers",
];

/// First names from other countries.
pub(crate) const GIVEN_EN: &[&str] = &[
    "Aisling", "Alice", "Amara", "Andrew", "Ben", "Callum", "Carmen", "Dario", "Diego", "Elif", "Emily",
    "Fiona", "Giulia", "Grace", "Hanna", "Harriet", "Ivan", "James", "Joana", "Kateryna", "Kwame", "Lena",
    "Liam", "Luca", "Magda", "Marta", "Mei", "Miguel", "Milena", "Naomi", "Oksana", "Oliver", "Paolo",
    "Priya", "Rosa", "Ryan", "Sofia", "Tomasz", "Umut", "Yuki",
];

/// Family names from other countries.
pub(crate) const FAMILY_EN: &[&str] = &[
    "Adeyemi", "Baker", "Bianchi", "Brown", "Carvalho", "Costa", "Demir", "Edwards", "Fernández", "Ferrari",
    "Gallagher", "Hughes", "Ivanova", "Jensen", "Kaya", "Kowalska", "Kowalski", "López", "MacDonald",
    "Mensah", "Moreira", "Murphy", "Müller", "Nakamura", "Novak", "O’Brien", "Okafor", "Pereira", "Petrova",
    "Ricci", "Romano", "Santos", "Schmidt", "Shevchenko", "Silva", "Singh", "Taylor", "Walker", "Wang",
    "Wójcik",
];

/// French words that companies and works are named after.
pub(crate) const NOUNS_FR: &[&str] = &[
    "Aérostat", "Alizé", "Amarante", "Ambre", "Amphibie", "Anémone", "Arc-en-ciel", "Ardoise", "Argile",
    "Aube", "Aurore", "Azimut", "Balise", "Basalte", "Bascule", "Belvédère", "Bestiaire", "Bobine",
    "Boréal", "Boussole", "Braise", "Brume", "Cabestan", "Cadence", "Calanque", "Caméléon", "Canopée",
    "Capucine", "Carillon", "Cascade", "Cerf-volant", "Chimère", "Chrysalide", "Cigale", "Clairière",
    "Clapotis", "Coquelicot", "Corail", "Courant d’air", "Crépuscule", "Dédale", "Diapason", "Diorama",
    "Domino", "Éclat", "Éclipse", "Écume", "Embellie", "Encre", "Éphémère", "Équinoxe", "Escale",
    "Étincelle", "Étoile du Nord", "Falaise", "Fanal", "Farandole", "Filament", "Flamboyant", "Fougère",
    "Frimas", "Funambule", "Garance", "Girouette", "Givre", "Grand Angle", "Grenadine", "Halo",
    "Hémisphère", "Hirondelle", "Horizon", "Houblon", "Iris", "Ivoire", "Jachère", "Kaléidoscope",
    "Lanterne", "Lichen", "Lisière", "Luciole", "Lumière", "Mandarine", "Marée", "Marelle", "Mascaret",
    "Météore", "Mirage", "Mosaïque", "Nacelle", "Nébuleuse", "Nocturne", "Nuage", "Obsidienne",
    "Ombre portée", "Orage", "Oriflamme", "Palette", "Panorama", "Parallaxe", "Passerelle", "Pénombre",
    "Périscope", "Phare", "Photon", "Pigment", "Plein Cadre", "Prisme", "Quai", "Quartz", "Ricochet",
    "Rivage", "Roseau", "Sablier", "Salamandre", "Sémaphore", "Silex", "Solstice", "Tandem", "Tempête",
    "Tourbillon", "Trame", "Travelling", "Tumulte", "Vagabond", "Vertige", "Vif-argent", "Vigie", "Zénith",
    "Zéphyr", "Zigzag",
];

/// French complements: "Les Films …", "La Fabrique …".
pub(crate) const OF_FR: &[&str] = &[
    "de l’Escaut", "de la Lys", "de la Sambre", "de la Deûle", "de la Meuse", "de la Scarpe", "de la Côte",
    "de la Grand-Place", "de la Gare", "de la Citadelle", "de la Dune", "de la Friche", "de la Plaine",
    "de la Rive gauche", "de la Tannerie", "de la Filature", "de la Brasserie", "de la Bourse",
    "du Beffroi", "du Canal", "du Terril", "du Faubourg", "du Grand Large", "du Mistral", "du Port",
    "du Quai Sud", "du Moulin", "du Vieux Marché", "du Bout du monde", "du Hibou", "du Héron",
    "du Chat noir", "du Dimanche", "du Lundi matin", "du Soleil levant", "des Dunes", "des Deux Rives",
    "des Calanques", "des Trois Frontières", "des Ardennes", "des Flandres", "des Hautes Fagnes",
    "des Géants", "des Mineurs", "des Tisserands", "des Cigognes", "des Oyats", "des Alpilles", "des Lices",
    "d’Entre-Deux", "d’Hiver", "d’En Face", "d’Azur", "d’Argent", "d’Avril", "de Papier", "de Minuit",
    "de Traverse", "sans Frontière", "à Vapeur",
];

/// Dutch words that companies and works are named after.
pub(crate) const NOUNS_NL: &[&str] = &[
    "Aardbei", "Anker", "Appelboom", "Avondrood", "Baken", "Beeldspraak", "Belfort", "Bergop", "Blauwdruk",
    "Bliksem", "Boterbloem", "Branding", "Brandpunt", "Brug", "Caleidoscoop", "Daglicht", "Dageraad",
    "Dauwdruppel", "Dijk", "Distel", "Draaikolk", "Druppel", "Duinroos", "Eb en Vloed", "Echo", "Eekhoorn",
    "Eiland", "Ekster", "Evenaar", "Filament", "Fonkel", "Getij", "Geyser", "Gloed", "Golfslag", "Grasduin",
    "Grens", "Groothoek", "Haven", "Heide", "Hemelblauw", "Hinkstap", "Horizon", "Ijsvogel", "Inkt",
    "Jakobsladder", "Kade", "Kameleon", "Kantelpunt", "Kasteel", "Keerpunt", "Kiezel", "Klaproos", "Klimop",
    "Klokslag", "Koepel", "Kompas", "Kraanvogel", "Krekel", "Kwartier", "Lantaarn", "Leeuwerik", "Lichtval",
    "Linde", "Loodlijn", "Luchtkasteel", "Maanlicht", "Merel", "Meridiaan", "Mist", "Molen", "Morgenster",
    "Mozaïek", "Nachtwacht", "Nevel", "Noorderlicht", "Oever", "Onweer", "Ooievaar", "Overkant",
    "Paardenbloem", "Panorama", "Pendel", "Pijler", "Polder", "Prisma", "Regenboog", "Reiger", "Rimpeling",
    "Roodborst", "Schaduw", "Schelde", "Schemer", "Schimmel", "Sluis", "Sneeuwbal", "Sprokkel", "Stroom",
    "Stuifzand", "Tandwiel", "Tegenlicht", "Tijdgeest", "Toren", "Trapgevel", "Uil", "Veerpont",
    "Vergezicht", "Vlieger", "Vlinder", "Vonk", "Vuurtoren", "Waas", "Wadden", "Wervel", "Wilg", "Windroos",
    "Wolk", "Zandloper", "Zeewier", "Zilverling", "Zonnewijzer", "Zwaluw", "Zwerm",
];

/// English words that companies and works are named after.
pub(crate) const NOUNS_EN: &[&str] = &[
    "Anchor", "Atlas", "Bramble", "Canyon", "Cinder", "Cobalt", "Compass", "Copper", "Current", "Drift",
    "Echo", "Ember", "Fathom", "Fern", "Flare", "Foxglove", "Harbour", "Hazel", "Heron", "Horizon",
    "Juniper", "Kestrel", "Kite", "Lantern", "Lighthouse", "Magpie", "Meridian", "Mirror", "Nimbus",
    "Orbit", "Otter", "Owl", "Paper", "Pebble", "Pixel", "Quarry", "Raven", "River", "Saffron", "Sparrow",
    "Static", "Tidal", "Tundra", "Vector", "Velvet", "Voyage", "Willow", "Wren",
];

/// English adjectives.
pub(crate) const ADJECTIVES_EN: &[&str] = &[
    "Amber", "Blue", "Bold", "Bright", "Broken", "Clever", "Crooked", "Deep", "Distant", "Electric",
    "Fifth", "Flying", "Gentle", "Golden", "Green", "Hidden", "Hollow", "Invisible", "Little", "Lost",
    "Loud", "Lucky", "Midnight", "Northern", "Odd", "Open", "Quiet", "Red", "Restless", "Salt", "Second",
    "Silent", "Silver", "Slow", "Southern", "Tall", "Velvet", "Wild", "Winter", "Young",
];

/// Streets of French-speaking towns.
pub(crate) const STREETS_FR: &[&str] = &[
    "rue de la Gare", "rue du Moulin", "rue Jean-Jaurès", "avenue de la République", "place du Marché",
    "rue des Tisserands", "boulevard de la Liberté", "quai de l’Industrie", "rue de l’Église",
    "rue Émile-Zola", "chemin des Prés", "rue du Faubourg", "allée des Tilleuls", "rue Neuve", "rue Haute",
    "place Communale", "chaussée de Bruxelles", "rue de la Filature", "rue Saint-Jacques",
    "impasse des Oyats",
];

/// Streets of Dutch-speaking towns.
pub(crate) const STREETS_NL: &[&str] = &[
    "Stationsstraat", "Kerkstraat", "Molenstraat", "Grote Markt", "Nieuwstraat", "Havenlaan",
    "Koningin Astridlaan", "Schoolstraat", "Lindelaan", "Brusselsesteenweg", "Kapelstraat", "Veldstraat",
    "Kasteellaan", "Dijkstraat", "Sint-Jansplein", "Kaai", "Weverijstraat", "Bloemenlaan", "Oude Vest",
    "Vaartkom",
];

/// Skills of talents.
pub(crate) const SKILLS: &[&str] = &[
    "Adobe After Effects", "Ableton Live", "Arri Alexa", "Avid Media Composer", "Blender",
    "budget de production", "C++", "caméra à l’épaule", "casting sauvage", "Cinema 4D", "clown",
    "color management", "compositing", "conduite de réunion", "danse contemporaine", "DaVinci Resolve",
    "dialoogcoaching", "direction d’acteurs", "documentaire d’archives", "drone", "écriture de série",
    "effets de plateau", "ensemble casting", "enregistrement ambisonique", "facial rigging",
    "Final Cut Pro", "foley", "Godot", "grime", "Houdini", "improvisation", "Krita", "lecture de partition",
    "licht meten", "live captatie", "machinerie", "Maya", "mixage Dolby Atmos", "Motion Builder",
    "motion capture", "Nuke", "Pro Tools", "prothèses", "Python", "recherche de financements", "RED Komodo",
    "Reaper", "repérages", "scenario schrijven", "set design", "sous-titrage pour sourds", "Steadicam",
    "stop-motion puppets", "storyboard", "Substance Painter", "surimpression", "tax shelter",
    "Toon Boom Harmony", "TouchDesigner", "traduction de dialogues", "TVPaint", "Unity", "Unreal Engine",
    "USD", "voice directing", "WebGL", "ZBrush",
];
