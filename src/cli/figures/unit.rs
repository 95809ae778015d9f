//! Units as axes show them.

/// The unit of a signal after its factor: `amperes` times 1e12 are `pA`. Empty if there is no short name.
pub(in crate::cli) fn scaled_unit(unit: &str, scale: f64) -> String {
    let symbol = match unit {
        "A" | "amperes" | "ampere" => "A",
        "V" | "volts" | "volt" => "V",
        "m" | "meters" | "meter" | "metres" | "metre" => "m",
        "s" | "seconds" | "second" => "s",
        "S" | "siemens" => "S",
        "Hz" | "hertz" => "Hz",
        "unknown" | "n/a" | "none" | "a.u." | "arbitrary" => "",
        other => other,
    };
    if scale == 1.0 || symbol.is_empty() {
        return symbol.into();
    }
    let prefixes = [(1e15, "f"), (1e12, "p"), (1e9, "n"), (1e6, "µ"), (1e3, "m"), (1e-3, "k"), (1e-6, "M")];
    let found = prefixes.iter().find(|(factor, _)| (scale / factor - 1.0).abs() < 1e-9);
    match found {
        Some((_, prefix)) if ["A", "V", "m", "s", "S", "Hz"].contains(&symbol) => format!("{prefix}{symbol}"),
        _ if symbol == "m" && (scale / 100.0 - 1.0).abs() < 1e-9 => "cm".into(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::scaled_unit;

    #[test]
    fn factors_become_prefixes() {
        for (unit, scale, expected) in [
            ("A", 1e12, "pA"),
            ("amperes", 1.0, "A"),
            ("volts", 1e3, "mV"),
            ("meters", 100.0, "cm"),
            ("meters", 2.5, ""),
            ("unknown", 1.0, ""),
            ("degrees", 1.0, "degrees"),
            ("degrees", 1e3, ""),
        ] {
            assert_eq!(scaled_unit(unit, scale), expected, "{unit} {scale}");
        }
    }
}
