//! Exact numbers, currencies and amounts of money.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use async_graphql::{
    ContextSelectionSet, InputValueResult, OutputType, Positioned, Scalar, ScalarType, ServerResult,
    SimpleObject, Value, parser::types::Field, registry::Registry,
};
use serde::de::{Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};

use super::{Expected, Found, ValueError, serde_as_text};

static EXPECTED: Expected = Expected {
    en: "an exact decimal of at most 28 digits as a string, such as \"1850000.00\" (a float would round it)",
    fr: "un nombre décimal exact de 28 chiffres au plus, comme « 1850000.00 »",
    nl: "een exact decimaal getal van hoogstens 28 cijfers, zoals \"1850000.00\"",
    de: "eine genaue Dezimalzahl mit höchstens 28 Ziffern, etwa „1850000.00“",
};
static EXPECTED_MONEY: Expected = Expected {
    en: "an amount below 1,000,000,000,000,000 with at most 4 decimals",
    fr: "un montant inférieur à 1 000 000 000 000 000, avec 4 décimales au plus",
    nl: "een bedrag onder 1.000.000.000.000.000 met hoogstens 4 decimalen",
    de: "ein Betrag unter 1.000.000.000.000.000 mit höchstens 4 Nachkommastellen",
};
static EXPECTED_CURRENCY: Expected = Expected {
    en: "an active ISO 4217 currency code of three capital letters, such as \"EUR\"",
    fr: "le code d’une monnaie en vigueur (ISO 4217), en trois majuscules, comme « EUR »",
    nl: "een geldige muntcode (ISO 4217) van drie hoofdletters, zoals \"EUR\"",
    de: "ein gültiger Währungscode (ISO 4217) aus drei Großbuchstaben, etwa „EUR“",
};

/// An exact decimal number of at most 28 digits, never a float.
///
/// The text is an optional minus sign, digits, and optionally a point with further digits; no exponent, no
/// plus sign, no separators. Decimals are kept as given (`1.50` stays `1.50`), yet compare by value: `1.5`
/// equals `1.50`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Decimal(rust_decimal::Decimal);

impl Decimal {
    /// Zero.
    pub const ZERO: Self = Self(rust_decimal::Decimal::ZERO);

    /// The number as a type of `rust_decimal`.
    pub fn get(self) -> rust_decimal::Decimal {
        self.0
    }

    /// The sum; none where it has more digits than fit.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self::from)
    }

    /// The number of these whole units and ten-thousandths, which databases add exactly; none where it has more digits
    /// than fit.
    pub fn of_parts(whole: i128, part: i64) -> Option<Self> {
        let number = whole.checked_mul(10_000)?.checked_add(part.into())?;
        rust_decimal::Decimal::try_from_i128_with_scale(number, 4).ok().map(|number| Self(number.normalize()))
    }

    /// The difference; none where it has more digits than fit.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self::from)
    }
}

impl From<rust_decimal::Decimal> for Decimal {
    fn from(mut number: rust_decimal::Decimal) -> Self {
        if number.is_zero() {
            number.set_sign_positive(true);
        }
        Self(number)
    }
}

impl From<i64> for Decimal {
    fn from(number: i64) -> Self {
        Self(number.into())
    }
}

impl FromStr for Decimal {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let plain = text.strip_prefix('-').unwrap_or(text);
        let shape = match plain.split_once('.') {
            Some((whole, fraction)) => digits(whole) && digits(fraction),
            None => digits(plain),
        };
        // 28 digits are fewer than 2^96 has, so the number below always fits.
        let count = plain.trim_start_matches('0').bytes().filter(u8::is_ascii_digit).count();
        let decimals = plain.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        let number = if shape && count <= 28 && decimals <= 28 {
            rust_decimal::Decimal::from_str_exact(text).ok()
        } else {
            None
        };
        number.map(Self::from).ok_or_else(|| ValueError::unexpected(&EXPECTED, text))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrInteger;

        impl Visitor<'_> for TextOrInteger {
            type Value = Decimal;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(EXPECTED.en)
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Decimal, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_i64<E>(self, number: i64) -> Result<Decimal, E> {
                Ok(Decimal(number.into()))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Decimal, E> {
                Ok(Decimal(number.into()))
            }
        }

        deserializer.deserialize_any(TextOrInteger)
    }
}

/// An exact decimal number of at most 28 digits, as a string: "1850000.00". Whole numbers are also
/// accepted as integers; a float is refused, because it may already have been rounded.
#[Scalar(name = "Decimal")]
impl ScalarType for Decimal {
    fn parse(value: Value) -> InputValueResult<Self> {
        let whole = match &value {
            Value::String(text) => return Ok(text.parse::<Self>()?),
            Value::Number(number) => {
                number.as_i64().map(Into::into).or_else(|| number.as_u64().map(Into::into))
            }
            _ => None,
        };
        match whole {
            Some(number) => Ok(Self(number)),
            None => Err(ValueError::Unexpected { expected: &EXPECTED, found: Found::value(&value) }.into()),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.to_string())
    }
}

/// A currency by its ISO 4217 code, such as `EUR`.
///
/// The codes are those of list one that name a currency for payments: no funds, units of account, precious
/// metals or tests, and no withdrawn currencies. The euro has replaced some of these, up to the Bulgarian
/// lev (1 January 2026).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency(&'static str);

/// ISO 4217 list one without funds, metals and tests, sorted.
const CURRENCIES: [&str; 155] = [
    "AED", "AFN", "ALL", "AMD", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT", "BHD", "BIF", "BMD",
    "BND", "BOB", "BRL", "BSD", "BTN", "BWP", "BYN", "BZD", "CAD", "CDF", "CHF", "CLP", "CNY", "COP", "CRC",
    "CUP", "CVE", "CZK", "DJF", "DKK", "DOP", "DZD", "EGP", "ERN", "ETB", "EUR", "FJD", "FKP", "GBP", "GEL",
    "GHS", "GIP", "GMD", "GNF", "GTQ", "GYD", "HKD", "HNL", "HTG", "HUF", "IDR", "ILS", "INR", "IQD", "IRR",
    "ISK", "JMD", "JOD", "JPY", "KES", "KGS", "KHR", "KMF", "KPW", "KRW", "KWD", "KYD", "KZT", "LAK", "LBP",
    "LKR", "LRD", "LSL", "LYD", "MAD", "MDL", "MGA", "MKD", "MMK", "MNT", "MOP", "MRU", "MUR", "MVR", "MWK",
    "MXN", "MYR", "MZN", "NAD", "NGN", "NIO", "NOK", "NPR", "NZD", "OMR", "PAB", "PEN", "PGK", "PHP", "PKR",
    "PLN", "PYG", "QAR", "RON", "RSD", "RUB", "RWF", "SAR", "SBD", "SCR", "SDG", "SEK", "SGD", "SHP", "SLE",
    "SOS", "SRD", "SSP", "STN", "SVC", "SYP", "SZL", "THB", "TJS", "TMT", "TND", "TOP", "TRY", "TTD", "TWD",
    "TZS", "UAH", "UGX", "USD", "UYU", "UZS", "VED", "VES", "VND", "VUV", "WST", "XAF", "XCD", "XCG", "XOF",
    "XPF", "YER", "ZAR", "ZMW", "ZWG",
];

impl Currency {
    /// The euro.
    pub const EUR: Self = Self("EUR");

    /// The three capital letters.
    pub fn code(self) -> &'static str {
        self.0
    }
}

impl FromStr for Currency {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        match CURRENCIES.binary_search(&text) {
            Ok(at) => Ok(Self(CURRENCIES[at])),
            Err(_) => Err(ValueError::unexpected(&EXPECTED_CURRENCY, text)),
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

serde_as_text!(Currency);

/// A currency is a plain `String` in the schema.
impl OutputType for Currency {
    fn type_name() -> Cow<'static, str> {
        <String as OutputType>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <String as OutputType>::create_type_info(registry)
    }

    async fn resolve(&self, _: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        Ok(Value::String(self.0.to_owned()))
    }
}

/// An amount of money in one currency, exact to the last digit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, serde::Deserialize, SimpleObject)]
#[serde(try_from = "MoneyText")]
pub struct Money {
    // The derive makes a method from each field name. `amount` and `currency` are the methods below.
    /// How much, with at least two decimals: "1850000.00".
    #[serde(rename = "amount")]
    #[graphql(name = "amount")]
    number: Decimal,
    /// The ISO 4217 code of the currency: "EUR".
    #[serde(rename = "currency")]
    #[graphql(name = "currency")]
    unit: Currency,
}

/// Money as it is read, before its amount is checked.
#[derive(serde::Deserialize)]
struct MoneyText {
    amount: Decimal,
    currency: Currency,
}

impl TryFrom<MoneyText> for Money {
    type Error = ValueError;

    fn try_from(money: MoneyText) -> Result<Self, ValueError> {
        Self::new(money.amount, money.currency)
    }
}

impl Money {
    /// Amounts are smaller than this in absolute value.
    const LIMIT: i64 = 1_000_000_000_000_000;

    /// Makes an amount of money. It has at least two decimals, and no trailing zeros beyond them. It may be
    /// negative.
    ///
    /// # Errors
    /// Refuses 1,000,000,000,000,000 and more, and more than four decimals (the most that any currency of
    /// ISO 4217 has).
    pub fn new(amount: Decimal, currency: Currency) -> Result<Self, ValueError> {
        let mut number = amount.0.normalize();
        if number.abs() >= Self::LIMIT.into() || number.scale() > 4 {
            return Err(ValueError::unexpected(&EXPECTED_MONEY, &amount.to_string()));
        }
        number.rescale(number.scale().max(2));
        Ok(Self { number: Decimal::from(number), unit: currency })
    }

    /// The amount, with two to four decimals.
    pub fn amount(self) -> Decimal {
        self.number
    }

    /// The currency.
    pub fn currency(self) -> Currency {
        self.unit
    }

    /// The amount as whole units and ten-thousandths, which databases add exactly. [`Decimal::of_parts`] is the inverse.
    pub fn parts(self) -> (i64, i32) {
        let number = self.number.0;
        // An amount has four decimals at most, and less than 16 digits before them.
        let part = number.fract() * rust_decimal::Decimal::from(10_000);
        (i64::try_from(number.trunc()).unwrap_or_default(), i32::try_from(part).unwrap_or_default())
    }

    /// Adds two amounts of one currency.
    ///
    /// # Errors
    /// Refuses amounts of two currencies, and a sum that [`Money::new`] refuses.
    pub fn checked_add(self, other: Self) -> Result<Self, ValueError> {
        if self.unit != other.unit {
            return Err(ValueError::CurrenciesDiffer { left: self.unit, right: other.unit });
        }
        // Two amounts within the limit have a sum of far fewer than 28 digits.
        Self::new(Decimal::from(self.number.0 + other.number.0), self.unit)
    }
}

impl fmt::Display for Money {
    /// The amount and the code, `1850000.00 EUR`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number, self.unit)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn euros(text: &str) -> Money {
        Money::new(text.parse().unwrap(), Currency::EUR).unwrap()
    }

    #[test]
    fn reads_exact_decimals() {
        for (text, canonical) in [
            ("1850000.00", "1850000.00"),
            ("0", "0"),
            ("-0", "0"),
            ("-0.00", "0.00"),
            ("007", "7"),
            ("-1.50", "-1.50"),
            ("0.1234567890123456789012345678", "0.1234567890123456789012345678"),
            ("9999999999999999999999999999", "9999999999999999999999999999"),
            ("00000000000000000000000000000000000001.5", "1.5"),
        ] {
            assert_eq!(text.parse::<Decimal>().unwrap().to_string(), canonical, "{text}");
        }
        for text in [
            "",
            "-",
            ".",
            "1.",
            ".5",
            "+1",
            "1e3",
            "1E3",
            "1_000",
            "1,000",
            "1 000",
            " 1",
            "0x10",
            "NaN",
            "inf",
            "--1",
            "1.2.3",
            "10000000000000000000000000000",
            "0.12345678901234567890123456789",
            "12345678901234567890123456789.1",
            "１",
        ] {
            assert!(text.parse::<Decimal>().is_err(), "{text}");
        }
        assert_eq!("1.5".parse::<Decimal>().unwrap(), "1.50".parse().unwrap());
    }

    #[test]
    fn takes_integers_and_refuses_floats() {
        let number = |json: &str| Decimal::parse(Value::Number(serde_json::from_str(json).unwrap()));
        assert_eq!(number("1850000").unwrap().to_string(), "1850000");
        assert_eq!(number("18446744073709551615").unwrap().to_string(), "18446744073709551615");
        assert_eq!(number("-1").unwrap().to_string(), "-1");
        assert!(number("1.0").is_err() && number("1e3").is_err() && number("18446744073709551616").is_err());
        assert!(Decimal::parse(Value::Boolean(true)).is_err());
        assert_eq!(serde_json::from_str::<Decimal>("12").unwrap(), Decimal::from(12));
        assert_eq!(serde_json::from_str::<Decimal>("\"12.0\"").unwrap(), Decimal::from(12));
        let message = serde_json::from_str::<Decimal>("1.5").unwrap_err().to_string();
        assert!(message.contains("as a string"), "{message}");
    }

    #[test]
    fn currencies_are_sorted_capitals() {
        assert!(CURRENCIES.is_sorted_by(|a, b| a < b));
        assert!(
            CURRENCIES
                .iter()
                .all(|code| code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase()))
        );
        assert_eq!("EUR".parse::<Currency>().unwrap(), Currency::EUR);
        for text in ["", "eur", "EUR ", "EURO", "FRF", "BEF", "BGN", "HRK", "XAU", "XXX", "XTS", "€"] {
            assert!(text.parse::<Currency>().is_err(), "{text}");
        }
    }

    #[test]
    fn money_has_two_decimals_or_more() {
        for (text, canonical) in [
            ("1850000", "1850000.00"),
            ("1850000.0", "1850000.00"),
            ("0.5", "0.50"),
            ("1.2345", "1.2345"),
            ("1.23000", "1.23"),
            ("-3", "-3.00"),
            ("-0", "0.00"),
            ("999999999999999.9999", "999999999999999.9999"),
        ] {
            assert_eq!(euros(text).amount().to_string(), canonical, "{text}");
        }
        for text in ["1.23456", "1000000000000000", "-1000000000000000.00", "9999999999999999999999999999"] {
            assert!(Money::new(text.parse().unwrap(), Currency::EUR).is_err(), "{text}");
        }
        assert_eq!(euros("1850000").to_string(), "1850000.00 EUR");
    }

    #[test]
    fn money_adds_within_one_currency() {
        assert_eq!(euros("0.1").checked_add(euros("0.2")).unwrap(), euros("0.3"));
        let dollars = Money::new(Decimal::from(1), "USD".parse().unwrap()).unwrap();
        let message = euros("1").checked_add(dollars).unwrap_err().to_string();
        assert_eq!(message, "expected amounts of one currency, but found EUR and USD");
        assert!(euros("999999999999999").checked_add(euros("1")).is_err());
    }

    #[test]
    fn money_is_an_object_for_serde() {
        let json = r#"{"amount":"1850000.00","currency":"EUR"}"#;
        assert_eq!(serde_json::to_string(&euros("1850000")).unwrap(), json);
        assert_eq!(serde_json::from_str::<Money>(json).unwrap(), euros("1850000"));
        assert_eq!(
            serde_json::from_str::<Money>(r#"{"amount":1,"currency":"EUR"}"#).unwrap().to_string(),
            "1.00 EUR"
        );
        assert!(serde_json::from_str::<Money>(r#"{"amount":"1","currency":"ECU"}"#).is_err());
        assert!(serde_json::from_str::<Money>(r#"{"amount":"1.23456","currency":"EUR"}"#).is_err());
    }

    fn cents(amount: i64) -> Money {
        Money::new(Decimal::from(rust_decimal::Decimal::new(amount, 2)), Currency::EUR).unwrap()
    }

    proptest! {
        #[test]
        fn decimals_read_back(mantissa in any::<i64>(), scale in 0u32..=28) {
            let number = Decimal::from(rust_decimal::Decimal::new(mantissa, scale));
            prop_assert_eq!(number.to_string().parse::<Decimal>().unwrap().to_string(), number.to_string());
        }

        #[test]
        fn money_is_the_sum_of_its_parts(
            mantissa in -9_999_999_999_999_999_999i128..=9_999_999_999_999_999_999, scale in 0u32..=4,
        ) {
            let number = rust_decimal::Decimal::from_i128_with_scale(mantissa, scale);
            if let Ok(money) = Money::new(Decimal::from(number), Currency::EUR) {
                let (whole, part) = money.parts();
                prop_assert_eq!(Decimal::of_parts(whole.into(), part.into()), Some(money.amount()));
            }
            prop_assert!(Decimal::of_parts(i128::MAX, 0).is_none());
        }

        #[test]
        fn money_adds_as_integers_do(a in -1_000_000_000_000i64..1_000_000_000_000, b in -1_000_000_000_000i64..1_000_000_000_000) {
            prop_assert_eq!(cents(a).checked_add(cents(b)).unwrap(), cents(a + b));
            prop_assert_eq!(cents(a).checked_add(cents(b)), cents(b).checked_add(cents(a)));
            let fraction = cents(a).amount().to_string();
            prop_assert_eq!(fraction.split_once('.').unwrap().1.len(), 2);
        }
    }
}
