//! How many cases the properties try: samples in `make test`, many more in `make test-long`.

/// The variable with the factor; 1 without it.
const FACTOR: &str = "PILLION_TEST_FACTOR";

/// The number of cases where `make test` tries this many.
pub(crate) fn cases(sample: u32) -> u32 {
    let factor = std::env::var(FACTOR).ok();
    let factor = factor.and_then(|text| text.parse().ok());
    sample.saturating_mul(factor.unwrap_or(1))
}
