//! The properties of calendars. The library escapes their values and folds their lines.

use std::borrow::Cow;

use ical::param::IcalParam;
use ical::prop::{IcalProp, IcalPropName};
use ical::value::IcalValue;
use ical::value::datetime::{IcalDate, IcalDateTime};
use ical::value::geo::IcalGeo;
use ical::value::integer::IcalInteger;
use ical::value::recur::IcalRecur;
use ical::value::text::IcalTextList;
use ical::value::uri::IcalUri;
use ical::value::utc_offset::IcalUtcOffset;

fn property<'a>(name: &'a str, params: Vec<IcalParam<'a>>, value: IcalValue<'a>) -> IcalProp<'a> {
    IcalProp { name: IcalPropName::from(name), params, value }
}

/// A text.
pub(super) fn text<'a>(name: &'a str, value: impl Into<Cow<'a, str>>) -> IcalProp<'a> {
    IcalProp::text(name, Vec::new(), value)
}

/// Several texts.
pub(super) fn texts<'a>(name: &'a str, values: &'a [String]) -> IcalProp<'a> {
    let values = values.iter().map(|value| Cow::Borrowed(value.as_str())).collect();
    property(name, Vec::new(), IcalValue::TextList(IcalTextList(values)))
}

/// A whole number.
pub(super) fn integer(name: &str, value: i32) -> IcalProp<'_> {
    property(name, Vec::new(), IcalValue::Integer(IcalInteger(value.to_string().into())))
}

/// An address. `CONFERENCE` says so in a parameter.
pub(super) fn uri<'a>(name: &'a str, value: &'a str) -> IcalProp<'a> {
    let of_type = (name == "CONFERENCE").then_some(IcalParam::Value("URI".into()));
    property(name, of_type.into_iter().collect(), IcalValue::Uri(IcalUri(value.into())))
}

/// A point.
pub(super) fn point(name: &str, latitude: f64, longitude: f64) -> IcalProp<'_> {
    let (latitude, longitude) = (latitude.to_string().into(), longitude.to_string().into());
    property(name, Vec::new(), IcalValue::Geo(IcalGeo { latitude, longitude }))
}

/// A whole day.
pub(super) fn day(name: &str, value: String) -> IcalProp<'_> {
    property(name, vec![IcalParam::Value("DATE".into())], IcalValue::Date(IcalDate(value.into())))
}

/// An instant in UTC.
pub(super) fn instant(name: &str, value: String) -> IcalProp<'_> {
    property(name, Vec::new(), IcalValue::DateTime(IcalDateTime(value.into())))
}

/// A time as clocks show it in a zone.
pub(super) fn local_time<'a>(name: &'a str, value: String, zone: Option<&'a str>) -> IcalProp<'a> {
    let zone = zone.map(|zone| IcalParam::TzId(zone.into()));
    property(name, zone.into_iter().collect(), IcalValue::DateTime(IcalDateTime(value.into())))
}

/// An offset from UTC, in seconds.
pub(super) fn offset(name: &str, seconds: i32) -> IcalProp<'_> {
    let sign = if seconds < 0 { '-' } else { '+' };
    let total = seconds.unsigned_abs();
    let (hours, minutes, seconds) = (total / 3600, total / 60 % 60, total % 60);
    let seconds = if seconds > 0 { format!("{seconds:02}") } else { String::new() };
    let value = format!("{sign}{hours:02}{minutes:02}{seconds}");
    property(name, Vec::new(), IcalValue::UtcOffset(IcalUtcOffset(value.into())))
}

/// A rule of recurrence.
pub(super) fn rule(value: String) -> IcalProp<'static> {
    property("RRULE", Vec::new(), IcalValue::Recur(IcalRecur(value.into())))
}
