//! Quantities as the API server reads, compares and prints them.

use super::*;
use proptest::prelude::*;

fn quantity(text: &str) -> Quantity {
    text.parse()
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn equal_quantities_are_equal_however_they_are_written() {
    for (a, b) in [
        ("0.5", "500m"),
        ("1Gi", "1073741824"),
        ("1.5Gi", "1536Mi"),
        ("2e3", "2k"),
        ("2E3", "2000"),
        ("+1", "1"),
        (".5", "500m"),
        ("1.", "1"),
        ("001", "1"),
        ("-0", "0"),
        ("1000n", "1u"),
        ("1e-3", "1m"),
        ("0.1n", "1n"),
        ("9Ei", "9223372036854775807"),
    ] {
        assert_eq!(quantity(a), quantity(b), "{a} and {b}");
    }
    assert!(quantity("50M") < quantity("50Mi"));
    assert!(quantity("-1") < quantity("0"));
}

#[test]
fn the_canonical_form_is_that_of_kubernetes() {
    for (written, printed) in [
        ("1.5", "1500m"),
        ("1.5Gi", "1536Mi"),
        ("1024Mi", "1Gi"),
        ("0.5Mi", "512Ki"),
        ("512", "512"),
        ("1000", "1k"),
        ("1000m", "1"),
        ("100Ki", "100Ki"),
        ("0.5Ki", "512"),
        ("0.3Ki", "307200m"),
        ("0Gi", "0"),
        ("12e6", "12e6"),
        ("1200e4", "12e6"),
        ("-500m", "-500m"),
        ("1e3", "1e3"),
        ("1E", "1E"),
        ("1000E", "1000E"),
    ] {
        assert_eq!(quantity(written).to_string(), printed, "{written}");
    }
}

#[test]
fn what_is_not_a_quantity_is_refused() {
    for text in ["", "-", "Mi", "Three", ".", "+.", " 1", "1 "] {
        assert!(text.parse::<Quantity>().is_err(), "{text:?}");
    }
    for text in [
        "200K", "1,3G", "1ki", "1e", "1mm", "1Zi", "1e1.5", "1 Gi", "0x10", "1\n",
    ] {
        assert_eq!(
            text.parse::<Quantity>(),
            Err(QuantityError::Suffix),
            "{text:?}"
        );
    }
}

#[test]
fn integers_are_told_as_kubernetes_tells_them() {
    assert_eq!(quantity("50k").as_integer(), Some(50_000));
    assert_eq!(
        quantity("50000000G").as_integer(),
        Some(50_000_000_000_000_000)
    );
    assert_eq!(quantity("1Gi").as_integer(), Some(1_073_741_824));
    assert_eq!(quantity("0").as_integer(), Some(0));
    for not in [
        "500m",
        "1000m",
        "1.5Gi",
        "9999999999999999999999999999999999999G",
    ] {
        assert_eq!(quantity(not).as_integer(), None, "{not}");
    }
}

#[test]
fn sums_and_differences_keep_the_first_format() {
    assert_eq!(quantity("50k").add(&quantity("20k")).to_string(), "70k");
    assert_eq!(
        quantity("1Gi").add(&quantity("512Mi")).to_string(),
        "1536Mi"
    );
    assert_eq!(quantity("0").add(&quantity("1Gi")).to_string(), "1Gi");
    assert_eq!(
        quantity("50k").sub(&Quantity::from(20_000)),
        quantity("30k")
    );
    assert_eq!(quantity("1").sub(&quantity("1.5")).to_string(), "-500m");
    assert_eq!(
        quantity("50k").sub(&Quantity::from(20_000)).as_integer(),
        Some(30_000)
    );
}

#[test]
fn absurd_exponents_are_capped_at_once() {
    assert!(quantity("1e2147483647").nanos() > 0);
    assert_eq!(quantity("1e-2147483648").nanos(), 1);
    let long = "9".repeat(10_000);
    assert!(quantity(&long).nanos() > 0);
    assert_eq!(quantity(&format!("{long}Ei")).nanos(), MAX_BINARY);
    assert_eq!(quantity(&format!("0.{}1", "0".repeat(10_000))).nanos(), 1);
}

proptest! {
    #[test]
    fn printing_and_reading_gives_the_same_value(
        whole in 0u64..1_000_000_000_000,
        fraction in 0u32..1000,
        suffix in prop::sample::select(vec![
            "", "n", "u", "m", "k", "M", "G", "Ki", "Mi", "Gi", "e3", "E-2",
        ]),
        negative: bool,
    ) {
        let sign = if negative { "-" } else { "" };
        let text = format!("{sign}{whole}.{fraction:03}{suffix}");
        let read = quantity(&text);
        let again = quantity(&read.to_string());
        prop_assert_eq!(read, again, "{} printed as {}", text, read);
        prop_assert_eq!(again.to_string(), read.to_string());
    }

    #[test]
    fn adding_and_taking_away_gives_the_first(a in any::<i32>(), b in any::<i32>()) {
        let (a, b) = (quantity(&format!("{a}m")), quantity(&format!("{b}Ki")));
        prop_assert_eq!(a.add(&b).sub(&b), a);
    }

    #[test]
    fn no_text_makes_it_panic(text in "[-+0-9.eEinumkKMGTP]{0,12}|.{0,12}") {
        let _ = text.parse::<Quantity>();
    }
}
