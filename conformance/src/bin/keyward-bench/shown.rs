//! Numbers as people read them.

/// About three significant digits.
pub fn digits(value: f64) -> String {
    let decimals = [(100.0, 0), (10.0, 1), (0.1, 2), (0.01, 3)]
        .iter()
        .find(|(least, _)| value.abs() >= *least)
        .map_or(4, |(_, decimals)| *decimals);
    match value {
        0.0 => "0".to_owned(),
        value if value.abs() >= 10_000.0 => thousands(value.round()),
        value => format!("{value:.decimals$}"),
    }
}

/// All digits, whole thousands apart: 500,000.
pub fn thousands(value: f64) -> String {
    let plain = value.to_string();
    let (sign, number) = plain.strip_prefix('-').map_or(("", plain.as_str()), |rest| ("-", rest));
    let (whole, fraction) =
        number.split_once('.').map_or((number, String::new()), |(w, f)| (w, format!(".{f}")));
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{sign}{grouped}{fraction}")
}

/// A count as a number to calculate with; exact up to four thousand million.
pub fn float(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_are_enough() {
        let shown = [0.0, 0.0123, 0.5, 1.25, 12.34, 1234.5, 98765.4].map(digits);
        assert_eq!(shown, ["0", "0.012", "0.50", "1.25", "12.3", "1234", "98,765"]);
    }

    #[test]
    fn thousands_stand_apart() {
        let shown = [0.0, 12.0, 123.5, 1234.0, 500_000.0, -1_000_000.0].map(thousands);
        assert_eq!(shown, ["0", "12", "123.5", "1,234", "500,000", "-1,000,000"]);
    }
}
