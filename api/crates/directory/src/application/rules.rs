//! The rules of applications, without any I/O: what may follow what, whether an application fits its lot, and what is left
//! to award.

use uuid::Uuid;

use super::ApplicationStatus;
use kernel::messages::FilledMessage;
use kernel::messages::applications as messages;
use kernel::problem::{Problem, Problems};
use kernel::value::{Currency, Decimal, Money};

/// What somebody does with an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// Changes its fields.
    Update,
    /// Submits it.
    Submit,
    /// Takes it back after it was submitted.
    Withdraw,
    /// Deletes it before it was submitted.
    Delete,
    /// Puts it on the short list.
    Shortlist,
    /// Awards or rejects it in the name of a funder.
    Decide,
}

/// Whether an application in this state allows it.
pub(super) const fn allows(status: ApplicationStatus, act: Act) -> bool {
    use ApplicationStatus::{Awarded, Draft, Shortlisted, Submitted};
    match act {
        Act::Update => matches!(status, Draft | Submitted),
        Act::Submit | Act::Delete => matches!(status, Draft),
        Act::Withdraw => matches!(status, Submitted | Shortlisted),
        Act::Shortlist => matches!(status, Submitted),
        // A further funder may decide on what another one has awarded.
        Act::Decide => matches!(status, Submitted | Shortlisted | Awarded),
    }
}

/// What a funder gives, to the fund or to a lot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Share {
    /// The organization.
    pub funder: Uuid,
    /// Slug of the region that answers for it.
    pub region: String,
    /// How much, in the currency of the call.
    pub amount: Decimal,
}

/// A lot of a call, with its criteria.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lot {
    /// Slug of the genre.
    pub genre: String,
    /// What one project may get at most.
    pub ceiling: Option<Decimal>,
    /// Its own funders; empty where it shares the fund.
    pub funders: Vec<Share>,
    /// Least and greatest number of episodes.
    pub episodes: (Option<i32>, Option<i32>),
    /// Least and greatest minutes of one episode.
    pub minutes: (Option<Decimal>, Option<Decimal>),
    /// The share of the budget that aid may reach.
    pub max_aid_share: Option<Decimal>,
    /// Slugs of the regions whose organizations may apply; empty where those of all may.
    pub eligible_regions: Vec<String>,
}

/// What a call gives and asks for, as its newest revision says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Terms {
    /// The currency of all its amounts; none where it states no amount.
    pub currency: Option<Currency>,
    /// The contributions that count. They add up to the fund.
    pub fund: Vec<Share>,
    /// The lots.
    pub lots: Vec<Lot>,
}

impl Terms {
    /// The lot of a genre.
    pub(super) fn lot(&self, genre: &str) -> Option<&Lot> {
        self.lots.iter().find(|lot| lot.genre == genre)
    }

    /// The funders who decide on applications of a genre: those of its lot, or those of the fund where the lot has none.
    pub(super) fn funders(&self, genre: &str) -> &[Share] {
        match self.lot(genre) {
            Some(lot) if !lot.funders.is_empty() => &lot.funders,
            _ => &self.fund,
        }
    }
}

/// The facts of an application that are checked against a lot.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked<'a> {
    /// Slug of the genre.
    pub genre: Option<&'a str>,
    /// The amount asked for.
    pub requested: Option<Money>,
    /// The budget of the project.
    pub budget: Option<Money>,
    /// Number of episodes.
    pub episodes: Option<i32>,
    /// Minutes of one episode.
    pub minutes: Option<Decimal>,
    /// Slugs of the regions of the applicant: that which answers for it, and that of its seat.
    pub regions: Vec<&'a str>,
}

/// Adds all that keeps an application from being submitted.
pub(super) fn check(terms: &Terms, asked: &Asked<'_>, problems: &mut Problems) {
    let mut amount = |path: &str, given: Option<Money>| {
        let money = given?;
        match terms.currency {
            Some(currency) if currency != money.currency() => {
                let said = FilledMessage::new(&messages::AMOUNT_CURRENCY).with("currency", currency.code());
                problems.add(Problem::at(format!("{path}.currency"), said));
                None
            }
            _ => Some(money),
        }
    };
    let (requested, budget) = (amount("requested", asked.requested), amount("projectBudget", asked.budget));
    if asked.requested.is_none() {
        problems.add(Problem::required("requested"));
    }
    let Some(genre) = asked.genre else {
        problems.add(Problem::required("genre"));
        return;
    };
    let Some(lot) = terms.lot(genre) else {
        if !terms.lots.is_empty() {
            let genres: Vec<String> = terms.lots.iter().map(|lot| format!("`{}`", lot.genre)).collect();
            let said = FilledMessage::new(&messages::GENRE_WITHOUT_LOT).with("genre", genre);
            problems.add(Problem::at("genre", said.with("genres", genres.join(", "))));
        }
        return;
    };
    if let Some((requested, ceiling)) = requested.zip(lot.ceiling)
        && requested.amount() > ceiling
    {
        let said = FilledMessage::new(&messages::ABOVE_CEILING);
        problems.add(Problem::at("requested", said.with("ceiling", shown(ceiling, requested.currency()))));
    }
    aid_share(lot, asked, requested.zip(budget), problems);
    range("episodes", asked.episodes, &lot.episodes, problems);
    range("minutes", asked.minutes, &lot.minutes, problems);
    let eligible = |region: &&str| lot.eligible_regions.iter().any(|one| one == region);
    if !lot.eligible_regions.is_empty() && !asked.regions.iter().any(eligible) {
        let said = FilledMessage::new(&messages::REGION_NOT_ELIGIBLE);
        problems.add(Problem::at("applicant", said.with("regions", lot.eligible_regions.join(", "))));
    }
}

/// Checks the share of the budget that is asked for.
fn aid_share(lot: &Lot, asked: &Asked<'_>, amounts: Option<(Money, Money)>, problems: &mut Problems) {
    let Some(share) = lot.max_aid_share else { return };
    if asked.budget.is_none() {
        problems.add(Problem::required("projectBudget"));
    }
    let Some((requested, budget)) = amounts else { return };
    if requested.currency() != budget.currency() {
        let said = FilledMessage::new(&messages::AMOUNT_CURRENCY);
        let currency = requested.currency().code();
        problems.add(Problem::at("projectBudget.currency", said.with("currency", currency)));
        return;
    }
    // A product that does not fit is greater than any amount.
    let most = share.get().checked_mul(budget.amount().get());
    if most.is_some_and(|most| requested.amount().get() > most) {
        let said = FilledMessage::new(&messages::ABOVE_AID_SHARE).with("share", share.to_string());
        problems.add(Problem::at("requested", said.with("budget", budget.to_string())));
    }
}

/// Checks a number that the lot bounds: it must be given then.
fn range<T: Copy + PartialOrd + ToString>(
    path: &str,
    given: Option<T>,
    bounds: &(Option<T>, Option<T>),
    problems: &mut Problems,
) {
    let (least, most) = *bounds;
    match given {
        None if least.is_some() || most.is_some() => problems.add(Problem::required(path)),
        None => {}
        Some(number) => {
            if let Some(least) = least.filter(|least| number < *least) {
                let said = FilledMessage::new(&messages::BELOW_MINIMUM).with("least", least.to_string());
                problems.add(Problem::at(path, said));
            }
            if let Some(most) = most.filter(|most| number > *most) {
                let said = FilledMessage::new(&messages::ABOVE_MAXIMUM).with("most", most.to_string());
                problems.add(Problem::at(path, said));
            }
        }
    }
}

/// An amount with its currency, as messages show it.
fn shown(amount: Decimal, currency: Currency) -> String {
    Money::new(amount, currency).map_or_else(|_| format!("{amount} {currency}"), |money| money.to_string())
}

/// What was awarded by a funder to projects of a genre.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spent {
    /// Slug of the genre.
    pub genre: String,
    /// The funder.
    pub funder: Uuid,
    /// The sum of its awards, in the currency of the call.
    pub amount: Decimal,
}

/// An award above zero that somebody wants to make.
#[derive(Clone, Copy, Debug)]
pub(super) struct Award<'a> {
    /// Slug of the genre of the application.
    pub genre: &'a str,
    /// The funder.
    pub funder: Uuid,
    /// How much.
    pub amount: Money,
    /// What the application asks for.
    pub requested: Money,
    /// What the application was awarded before.
    pub awarded: Decimal,
}

/// What is left of an amount; zero where more was spent, or where the sum does not fit.
fn left<'a>(of: Decimal, spent: impl Iterator<Item = &'a Decimal>) -> Decimal {
    let sum = total(spent);
    let rest = sum.and_then(|sum| of.checked_sub(sum));
    rest.filter(|rest| *rest > Decimal::ZERO).unwrap_or(Decimal::ZERO)
}

/// The sum of amounts; none where it has more digits than fit.
pub(super) fn total<'a>(mut amounts: impl Iterator<Item = &'a Decimal>) -> Option<Decimal> {
    amounts.try_fold(Decimal::ZERO, |sum, amount| sum.checked_add(*amount))
}

/// Adds all that keeps an award from being made: it exceeds neither what the application asks for, nor what its funder, its
/// lot and the fund have left.
pub(super) fn check_award(terms: &Terms, spent: &[Spent], award: &Award<'_>, problems: &mut Problems) {
    let amount = award.amount.amount();
    let currency = terms.currency.unwrap_or_else(|| award.requested.currency());
    if award.amount.currency() != currency {
        let said = FilledMessage::new(&messages::AMOUNT_CURRENCY).with("currency", currency.code());
        problems.add(Problem::at("amount.currency", said));
        return;
    }
    let by = |spent: &&Spent| spent.funder == award.funder;
    let here = |spent: &&Spent| spent.genre == award.genre;
    let given = |shares: &[Share]| {
        let own = shares.iter().filter(|share| share.funder == award.funder);
        total(own.map(|share| &share.amount)).unwrap_or(Decimal::ZERO)
    };
    let mut limit = |message, left: Decimal| {
        if amount > left {
            let said = FilledMessage::new(message).with("left", shown(left, currency));
            problems.add(Problem::at("amount", said));
        }
    };
    limit(&messages::AWARD_ABOVE_REQUEST, left(award.requested.amount(), [award.awarded].iter()));
    let mut share = left(given(&terms.fund), spent.iter().filter(by).map(|spent| &spent.amount));
    let lot = terms.lot(award.genre).filter(|lot| !lot.funders.is_empty());
    if let Some(lot) = lot {
        let of_lot = spent.iter().filter(by).filter(here).map(|spent| &spent.amount);
        share = share.min(left(given(&lot.funders), of_lot));
    }
    limit(&messages::AWARD_ABOVE_SHARE, share);
    let sum = |shares: &[Share]| total(shares.iter().map(|share| &share.amount)).unwrap_or(Decimal::ZERO);
    if let Some(lot) = lot {
        let of_lot = spent.iter().filter(here).map(|spent| &spent.amount);
        limit(&messages::AWARD_ABOVE_LOT, left(sum(&lot.funders), of_lot));
    }
    limit(&messages::AWARD_ABOVE_FUND, left(sum(&terms.fund), spent.iter().map(|spent| &spent.amount)));
}

/// Where an application stands that a funder has decided on: awarded by the first award, rejected once all its funders have
/// rejected it, and as it was before that.
pub(super) fn decided(
    before: ApplicationStatus,
    funders: &[Share],
    decisions: &[(Uuid, ApplicationStatus)],
) -> ApplicationStatus {
    if decisions.iter().any(|(_, status)| *status == ApplicationStatus::Awarded) {
        return ApplicationStatus::Awarded;
    }
    let rejected = |share: &Share| decisions.contains(&(share.funder, ApplicationStatus::Rejected));
    if !decisions.is_empty() && funders.iter().all(rejected) { ApplicationStatus::Rejected } else { before }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use kernel::all_of;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn euros(text: &str) -> Money {
        Money::new(decimal(text), Currency::EUR).unwrap()
    }

    fn share(funder: u128, amount: &str) -> Share {
        Share { funder: Uuid::from_u128(funder), region: "wallonie".into(), amount: decimal(amount) }
    }

    /// The call of 2009: five contributions, and a lot with three funders.
    fn terms() -> Terms {
        let animation = Lot {
            genre: "animation".into(),
            ceiling: Some(decimal("250000")),
            funders: vec![share(1, "250000"), share(4, "250000"), share(5, "250000")],
            episodes: (Some(10), Some(30)),
            minutes: (Some(decimal("3")), Some(decimal("5.5"))),
            max_aid_share: Some(decimal("0.50")),
            eligible_regions: vec!["wallonie".into(), "flandre".into()],
        };
        Terms {
            currency: Some(Currency::EUR),
            fund: vec![
                share(1, "600000"),
                share(2, "400000"),
                share(3, "350000"),
                share(4, "250000"),
                share(5, "250000"),
            ],
            lots: vec![animation, Lot { genre: "web".into(), ..Lot::default() }],
        }
    }

    fn asked<'a>() -> Asked<'a> {
        Asked {
            genre: Some("animation"),
            requested: Some(euros("200000")),
            budget: Some(euros("400000")),
            episodes: Some(30),
            minutes: Some(decimal("5.5")),
            regions: vec!["wallonie"],
        }
    }

    fn told(mut problems: Problems) -> Vec<String> {
        let of = |problem: Problem| format!("{} {}", problem.path, problem.reason.unwrap_or("REQUIRED"));
        problems.take().into_iter().map(of).collect()
    }

    fn checked(asked: &Asked<'_>) -> Vec<String> {
        let mut problems = Problems::default();
        check(&terms(), asked, &mut problems);
        told(problems)
    }

    #[test]
    fn an_application_that_fits_its_lot_has_no_problem_and_another_has_all_of_them_at_once() {
        assert_eq!(checked(&asked()), [""; 0]);
        assert_eq!(
            checked(&Asked { genre: Some("web"), requested: asked().requested, ..Asked::default() }),
            [""; 0]
        );
        assert_eq!(checked(&Asked::default()), ["requested REQUIRED", "genre REQUIRED"]);
        let genre = Asked { genre: Some("film"), ..asked() };
        assert_eq!(checked(&genre), ["genre GENRE_WITHOUT_LOT"]);
        let empty = Asked { genre: Some("animation"), ..Asked::default() };
        assert_eq!(
            checked(&empty),
            [
                "requested REQUIRED",
                "projectBudget REQUIRED",
                "episodes REQUIRED",
                "minutes REQUIRED",
                "applicant REGION_NOT_ELIGIBLE"
            ]
        );
        let wrong = Asked {
            genre: Some("animation"),
            requested: Some(euros("250000.01")),
            budget: Some(euros("500000")),
            episodes: Some(9),
            minutes: Some(decimal("5.51")),
            regions: vec!["hainaut"],
        };
        assert_eq!(
            checked(&wrong),
            [
                "requested ABOVE_CEILING",
                "requested ABOVE_AID_SHARE",
                "episodes BELOW_MINIMUM",
                "minutes ABOVE_MAXIMUM",
                "applicant REGION_NOT_ELIGIBLE"
            ]
        );
        let dollars = Money::new(decimal("1"), "USD".parse().unwrap()).unwrap();
        let other = Asked { requested: Some(dollars), budget: Some(dollars), ..asked() };
        assert_eq!(
            checked(&other),
            ["requested.currency AMOUNT_CURRENCY", "projectBudget.currency AMOUNT_CURRENCY"]
        );
    }

    #[test]
    fn of_a_call_without_lots_any_genre_is_good() {
        let mut problems = Problems::default();
        let open = Terms { lots: Vec::new(), ..terms() };
        check(&open, &Asked { genre: Some("film"), ..asked() }, &mut problems);
        assert_eq!(told(problems), [""; 0]);
        assert_eq!(open.funders("film").len(), 5);
        assert_eq!((terms().funders("animation").len(), terms().funders("web").len()), (3, 5));
    }

    fn awarded(spent: &[Spent], funder: u128, genre: &str, amount: Money, before: &str) -> Vec<String> {
        let mut problems = Problems::default();
        let award = Award {
            genre,
            funder: Uuid::from_u128(funder),
            amount,
            requested: euros("700000"),
            awarded: decimal(before),
        };
        check_award(&terms(), spent, &award, &mut problems);
        told(problems)
    }

    #[test]
    fn an_award_exceeds_nothing() {
        let spent = |genre: &str, funder: u128, amount: &str| Spent {
            genre: genre.into(),
            funder: Uuid::from_u128(funder),
            amount: decimal(amount),
        };
        assert_eq!(awarded(&[], 1, "animation", euros("250000"), "0"), [""; 0]);
        assert_eq!(awarded(&[], 1, "animation", euros("250000.0001"), "0"), ["amount AWARD_ABOVE_SHARE"]);
        assert_eq!(awarded(&[], 1, "web", euros("600000"), "0"), [""; 0]);
        assert_eq!(awarded(&[], 1, "web", euros("600000"), "100000.01"), ["amount AWARD_ABOVE_REQUEST"]);
        let before = [spent("animation", 1, "200000"), spent("web", 1, "390000")];
        assert_eq!(awarded(&before, 1, "animation", euros("10000"), "0"), [""; 0]);
        assert_eq!(awarded(&before, 1, "animation", euros("10000.01"), "0"), ["amount AWARD_ABOVE_SHARE"]);
        // The fund was lowered after most of it was awarded.
        let most = [spent("web", 2, "1100000"), spent("animation", 5, "740000")];
        assert_eq!(awarded(&most, 1, "animation", euros("10000"), "0"), [""; 0]);
        assert_eq!(
            awarded(&most, 1, "animation", euros("10001"), "0"),
            ["amount AWARD_ABOVE_LOT", "amount AWARD_ABOVE_FUND"]
        );
        let dollars = Money::new(decimal("1"), "USD".parse().unwrap()).unwrap();
        assert_eq!(awarded(&[], 1, "web", dollars, "0"), ["amount.currency AMOUNT_CURRENCY"]);
        let more = [
            spent("web", 1, "9999999999999999999999999999"),
            spent("web", 1, "9999999999999999999999999999"),
        ];
        assert_eq!(
            awarded(&more, 1, "web", euros("1"), "0"),
            ["amount AWARD_ABOVE_SHARE", "amount AWARD_ABOVE_FUND"]
        );
    }

    #[test]
    fn the_first_award_counts_and_the_last_rejection() {
        use ApplicationStatus::{Awarded, Rejected, Shortlisted, Submitted};
        let funders = terms().lots[0].funders.clone();
        let by = |funder: u128, status| (Uuid::from_u128(funder), status);
        assert_eq!(decided(Submitted, &funders, &[by(1, Rejected)]), Submitted);
        assert_eq!(decided(Shortlisted, &funders, &[by(1, Rejected), by(4, Rejected)]), Shortlisted);
        assert_eq!(
            decided(Shortlisted, &funders, &[by(1, Rejected), by(4, Rejected), by(5, Rejected)]),
            Rejected
        );
        assert_eq!(decided(Submitted, &funders, &[by(1, Rejected), by(4, Awarded)]), Awarded);
        assert_eq!(decided(Awarded, &funders, &[by(1, Awarded), by(4, Rejected)]), Awarded);
    }

    #[test]
    fn what_is_decided_or_withdrawn_is_not_written_any_more() {
        use ApplicationStatus::{Awarded, Draft, Rejected, Shortlisted, Submitted, Withdrawn};
        let allowed =
            |act| all_of::<ApplicationStatus>().filter(|status| allows(*status, act)).collect::<Vec<_>>();
        assert_eq!(allowed(Act::Update), [Draft, Submitted]);
        assert_eq!(allowed(Act::Submit), [Draft]);
        assert_eq!(allowed(Act::Delete), [Draft]);
        assert_eq!(allowed(Act::Withdraw), [Submitted, Shortlisted]);
        assert_eq!(allowed(Act::Shortlist), [Submitted]);
        assert_eq!(allowed(Act::Decide), [Submitted, Shortlisted, Awarded]);
        for over in [Rejected, Withdrawn] {
            assert!(!allowed(Act::Decide).contains(&over));
        }
    }

    proptest! {
        /// Whatever is asked for, in whatever order: the awards that pass exceed no limit.
        #[test]
        fn awards_that_pass_never_exceed_a_limit(
            wanted in proptest::collection::vec((1u128..=5, any::<bool>(), 1i64..40_000_000, 0usize..4), 1..60),
        ) {
            let terms = terms();
            let mut spent: Vec<Spent> = Vec::new();
            let mut of_application = [Decimal::ZERO; 4];
            let cents = |amount: i64| format!("{}.{:02}", amount / 100, amount % 100);
            for (funder, animation, amount, application) in wanted {
                let genre = if animation { "animation" } else { "web" };
                let mut problems = Problems::default();
                let award = Award {
                    genre,
                    funder: Uuid::from_u128(funder),
                    amount: euros(&cents(amount)),
                    requested: euros("500000"),
                    awarded: of_application[application],
                };
                check_award(&terms, &spent, &award, &mut problems);
                if problems.is_empty() {
                    of_application[application] = of_application[application].checked_add(award.amount.amount()).unwrap();
                    spent.push(Spent { genre: genre.into(), funder: award.funder, amount: award.amount.amount() });
                }
            }
            let sum = |fits: &dyn Fn(&Spent) -> bool| total(spent.iter().filter(|one| fits(one)).map(|one| &one.amount)).unwrap();
            prop_assert!(sum(&|_| true) <= decimal("1850000"));
            prop_assert!(sum(&|one| one.genre == "animation") <= decimal("750000"));
            for share in &terms.fund {
                prop_assert!(sum(&|one| one.funder == share.funder) <= share.amount);
            }
            for share in &terms.lots[0].funders {
                prop_assert!(sum(&|one| one.funder == share.funder && one.genre == "animation") <= share.amount);
            }
            prop_assert!(of_application.iter().all(|sum| *sum <= decimal("500000")));
        }
    }
}
