//! Numbers, amounts and times as people read them in a language.

use kernel::value::{DateTime, Decimal, Language, Money, TimeZone};

/// A number with its thousands apart: `1 234,50` in French.
pub(super) fn number(number: Decimal, language: Language) -> String {
    // A narrow space that does not break, as French typography has it.
    let (thousands, point) = match language {
        Language::Fr => ("\u{202f}", ","),
        Language::Nl | Language::De => (".", ","),
        Language::En => (",", "."),
    };
    let text = number.to_string();
    let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |digits| ("-", digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            grouped.push_str(thousands);
        }
        grouped.push(digit);
    }
    if fraction.is_empty() { format!("{sign}{grouped}") } else { format!("{sign}{grouped}{point}{fraction}") }
}

/// An amount of money with its currency.
pub(super) fn money(money: Money, language: Language) -> String {
    format!("{}\u{a0}{}", number(money.amount(), language), money.currency())
}

/// A share as a percentage: `50 %` in French.
pub(super) fn percentage(share: Decimal, language: Language) -> String {
    let hundred = Decimal::from(100).get();
    let percent = number(Decimal::from((share.get() * hundred).normalize()), language);
    match language {
        Language::Fr | Language::De => format!("{percent}\u{a0}%"),
        Language::Nl | Language::En => format!("{percent}%"),
    }
}

/// An instant, by the clocks of a time zone.
pub(super) fn instant(at: DateTime, zone: &str, language: Language) -> String {
    let form = match language {
        Language::Fr => "%d/%m/%Y %H:%M",
        Language::Nl => "%d-%m-%Y %H:%M",
        Language::De => "%d.%m.%Y %H:%M",
        // Day and month would be taken for each other in numbers alone.
        Language::En => "%-d %b %Y %H:%M",
    };
    let local = zone.parse::<TimeZone>().map_or_else(|_| at.to_utc().naive_utc(), |zone| zone.local(at));
    local.format(form).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_language_has_its_signs() {
        let amount = Money::new("1850000".parse().unwrap(), "EUR".parse().unwrap()).unwrap();
        let shown = |language| {
            let share = percentage("0.5".parse().unwrap(), language);
            let at = instant("2009-06-30T22:00:00Z".parse().unwrap(), "Europe/Paris", language);
            format!("{} | {share} | {at}", money(amount, language))
        };
        assert_eq!(shown(Language::Fr), "1\u{202f}850\u{202f}000,00\u{a0}EUR | 50\u{a0}% | 01/07/2009 00:00");
        assert_eq!(shown(Language::Nl), "1.850.000,00\u{a0}EUR | 50% | 01-07-2009 00:00");
        assert_eq!(shown(Language::De), "1.850.000,00\u{a0}EUR | 50\u{a0}% | 01.07.2009 00:00");
        assert_eq!(shown(Language::En), "1,850,000.00\u{a0}EUR | 50% | 1 Jul 2009 00:00");
    }

    #[test]
    fn thousands_are_apart() {
        let shown = |text: &str| number(text.parse().unwrap(), Language::En);
        assert_eq!(
            ["0", "999", "1000", "-1234567.5", "3.50"].map(shown),
            ["0", "999", "1,000", "-1,234,567.5", "3.50"]
        );
        assert_eq!(percentage("0.125".parse().unwrap(), Language::Nl), "12,5%");
    }
}
