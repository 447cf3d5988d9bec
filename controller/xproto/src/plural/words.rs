//! Irregular plurals. All words are in lower case; lists of words are separated by blanks.

/// Words at the end of a name that have the same way to form the plural.
pub(super) struct Family {
    /// The words.
    pub(super) words: &'static [&'static str],
    /// How many of the last letters go.
    pub(super) cut: usize,
    /// What comes instead.
    pub(super) ending: &'static str,
}

/// Names that are their own plural.
pub(super) const SAME: &str = "\
    bream breeches britches carp chassis clippers cod contretemps corps debris diabetes flounder gallows graffiti \
    headquarters herpes hertz hijinks innings mackerel mews moose mumps news nexus offspring pajamas pence pincers \
    pliers proceedings pyjamas quid rabies salmon scissors series shears siemens species subspecies trousers trout \
    tuna whiting";

/// Ends of names that do not change in the plural.
pub(super) const SAME_ENDINGS: &[&str] =
    &["ceps", "craft", "deer", "fish", "lese", "measles", "mese", "nese", "ois", "pox", "rese", "sheep"];

/// Whole names with a plural of their own.
pub(super) const ALONE: &[(&str, &str)] = &[
    ("atlas", "atlases"),
    ("beef", "beefs"),
    ("blouse", "blouses"),
    ("brother", "brothers"),
    ("child", "children"),
    ("corpus", "corpuses"),
    ("cow", "cows"),
    ("die", "dice"),
    ("flatfoot", "flatfoots"),
    ("ganglion", "ganglions"),
    ("genie", "genies"),
    ("genus", "genera"),
    ("graffito", "graffiti"),
    ("he", "they"),
    ("her", "them"),
    ("hers", "theirs"),
    ("herself", "themselves"),
    ("him", "them"),
    ("himself", "themselves"),
    ("his", "theirs"),
    ("hoof", "hoofs"),
    ("i", "we"),
    ("it", "they"),
    ("its", "theirs"),
    ("itself", "themselves"),
    ("loaf", "loaves"),
    ("lowlife", "lowlifes"),
    ("me", "us"),
    ("mine", "ours"),
    ("money", "monies"),
    ("mongoose", "mongooses"),
    ("myself", "ourselves"),
    ("mythos", "mythoi"),
    ("octopus", "octopuses"),
    ("opus", "opuses"),
    ("ox", "oxen"),
    ("she", "they"),
    ("testis", "testes"),
    ("them", "them"),
    ("theirs", "theirs"),
    ("they", "they"),
    ("thief", "thiefs"),
    ("turf", "turfs"),
    ("yes", "yeses"),
    ("you", "you"),
    ("yours", "yours"),
    ("yourself", "yourselves"),
];

const fn family(words: &'static [&'static str], cut: usize, ending: &'static str) -> Family {
    Family { words, cut, ending }
}

/// Words with an irregular plural, also at the end of a longer name; the first that fits counts.
pub(super) const ENDINGS: &[Family] = &[
    family(&["quy"], 1, "ies"),
    family(&["person"], 4, "ople"),
    family(
        &["caiman", "desman", "dolman", "german", "human", "norman", "ottoman", "roman", "shaman", "talisman"],
        0,
        "s",
    ),
    family(&["man"], 3, "men"),
    family(&["mouse"], 5, "mice"),
    family(&["louse"], 5, "lice"),
    family(&["goose"], 5, "geese"),
    family(&["tooth"], 5, "teeth"),
    family(&["foot"], 4, "feet"),
    family(&["zoon"], 2, "a"),
    family(&["cis", "sis", "xis"], 2, "es"),
    family(&["czech", "eunuch", "stomach"], 0, "s"),
    family(&["codex", "helix", "murex", "radix", "silex"], 2, "ices"),
    family(
        &[
            "agendum",
            "bacterium",
            "candelabrum",
            "datum",
            "desideratum",
            "erratum",
            "extremum",
            "ovum",
            "stratum",
            "criterion",
            "phenomenon",
            "aphelion",
            "perihelion",
            "hyperbaton",
            "noumenon",
            "organon",
            "prolegomenon",
        ],
        2,
        "a",
    ),
    family(
        &["alumnus", "alveolus", "bacillus", "bronchus", "locus", "meniscus", "nucleus", "sarcophagus", "stimulus"],
        2,
        "i",
    ),
    family(&["alga", "alumna", "persona", "vertebra"], 0, "e"),
];

/// Whole names in `s` that are a singular.
pub(super) const SINGULAR_S: &str = "\
    acropolis aegis alias asbestos bias cannabis canvas chaos chrysalis cosmos dais ephemeris epidermis ethos gas \
    glottis hubris ibis iris lens mantis marquis metropolis pathos pelvis polis rhinoceros trellis";

/// Words in `o`, also at the end of a longer name, that take an `s` and no `es`.
pub(super) const ENDING_O: &str = "\
    albino alto ammo archipelago armadillo auto avocado basso bingo bongo canto casino cello coco commando credo \
    crescendo demo ditto dynamo embryo espresso euro fiasco flamenco ghetto gigolo gizmo gringo gumbo gyro hippo \
    inferno info intermezzo jumbo kilo libido libretto limbo limo lineno lingo lino logo macho macro manifesto \
    medico memo metro micro mono neutrino octavo oregano photo piano pinto polo poncho pro psycho pueblo quarto \
    rhino risotto rondo salvo silo solo sombrero soprano staccato tempo tiro torso typo tyro virtuoso zero";
