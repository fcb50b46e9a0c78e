//! Distances on the globe without trigonometry in the database.
//!
//! A place is stored as a unit vector. Two places are within a distance of each other where the straight
//! line between their vectors is short enough: three multiplications, the same on both databases, exact for
//! a sphere.

use super::error::DomainError;

/// Mean radius of the earth in kilometres (IUGG).
const EARTH_RADIUS_KM: f64 = 6_371.008_8;

/// The unit vector of a place given in degrees.
pub fn unit_vector(latitude: f64, longitude: f64) -> [f64; 3] {
    let (lat, lon) = (latitude.to_radians(), longitude.to_radians());
    [lat.cos() * lon.cos(), lat.cos() * lon.sin(), lat.sin()]
}

/// The squared length of the chord that belongs to a distance over ground, for unit vectors.
pub fn chord_squared(distance_km: f64) -> f64 {
    let angle = (distance_km / EARTH_RADIUS_KM).min(std::f64::consts::PI);
    (2.0 * (angle / 2.0).sin()).powi(2)
}

/// A number of a circle that is out of its range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OutOfRange {
    /// The name of the number.
    pub name: &'static str,
    /// The number.
    pub value: f64,
    /// The smallest number that is allowed.
    pub from: f64,
    /// The largest number that is allowed.
    pub to: f64,
}

/// The numbers that are out of their range, of latitude and longitude (degrees) and radius (kilometres) of a circle.
pub fn out_of_range(latitude: f64, longitude: f64, radius_km: f64) -> impl Iterator<Item = OutOfRange> {
    let ranges = [
        OutOfRange { name: "latitude", value: latitude, from: -90.0, to: 90.0 },
        OutOfRange { name: "longitude", value: longitude, from: -180.0, to: 180.0 },
        OutOfRange { name: "radiusKm", value: radius_km, from: 0.0, to: 20_037.6 },
    ];
    ranges.into_iter().filter(|range| !(range.from..=range.to).contains(&range.value))
}

/// Checks latitude and longitude (degrees) and radius (kilometres) of a circle.
///
/// # Errors
/// `BAD_USER_INPUT` on the number that is out of range.
pub fn check_circle(
    argument: &str,
    latitude: f64,
    longitude: f64,
    radius_km: f64,
) -> Result<(), DomainError> {
    match out_of_range(latitude, longitude, radius_km).next() {
        None => Ok(()),
        Some(OutOfRange { name, value, from, to }) => {
            let message = format!("`{name}` is {value}: it must lie between {from} and {to}.");
            Err(DomainError::bad_input(format!("{argument}.{name}"), message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn squared(a: [f64; 3], b: [f64; 3]) -> f64 {
        a.iter().zip(b).map(|(x, y)| (x - y).powi(2)).sum()
    }

    #[test]
    fn lille_and_kortrijk_are_a_few_hours_on_foot_apart() {
        let (lille, kortrijk) = (unit_vector(50.631, 3.047), unit_vector(50.828, 3.265));
        assert!(squared(lille, kortrijk) <= chord_squared(27.0));
        assert!(squared(lille, kortrijk) > chord_squared(26.0));
    }

    #[test]
    fn half_the_earth_away_is_everywhere() {
        assert!(squared(unit_vector(90.0, 0.0), unit_vector(-90.0, 0.0)) <= chord_squared(20_037.6) + 1e-12);
    }
}
