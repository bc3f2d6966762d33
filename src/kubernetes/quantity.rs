//! Kubernetes resource quantities: `500m`, `1Gi`, `2e3`.
//!
//! Follows `k8s.io/apimachinery/pkg/api/resource/quantity.go`. A quantity is kept exactly, as a
//! whole number of billionths: finer fractions are rounded away from zero, as Kubernetes does.
//! Kubernetes caps quantities with a binary suffix at 2^63 - 1 and keeps the others exactly; here
//! the others are capped at ±2^127 billionths (about 1.7e29), far above any resource.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use thiserror::Error;

mod fixed;

use fixed::Fixed;

/// Billionths in one.
pub(super) const NANOS: i128 = 1_000_000_000;

/// The largest number of digits for which Kubernetes takes its 64-bit path (`maxInt64Factors`).
const MAX_FIXED_DIGITS: i64 = 18;

/// The cap of quantities with a binary suffix: 2^63 - 1.
const MAX_BINARY: i128 = (i64::MAX as i128) * NANOS;

/// Why a text is not a quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum QuantityError {
    /// No number, or something behind the suffix.
    #[error("not a quantity: a number and a suffix are wanted, such as `500m`, `2` or `1Gi`")]
    Format,
    /// A suffix that Kubernetes does not know.
    #[error(
        "not a quantity: the suffix must be n, u, m, k, M, G, T, P, E, Ki, Mi, Gi, Ti, Pi, Ei or an exponent such as e3"
    )]
    Suffix,
}

/// How a quantity was written, and so how it is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    DecimalSi,
    BinarySi,
    DecimalExponent,
}

/// A resource quantity. Equality and order go by value: `0.5` equals `500m`.
#[derive(Clone, Copy, Debug)]
pub struct Quantity {
    nanos: i128,
    format: Format,
    /// The 64-bit form, where Kubernetes would use it. It alone converts to an integer.
    fixed: Option<Fixed>,
}

impl Quantity {
    /// The quantity in a field of a pod, which JSON has as text or as a number.
    pub(crate) fn in_field(value: &serde_json::Value) -> Option<Self> {
        match value {
            // The API server takes blanks around it.
            serde_json::Value::String(text) => text.trim().parse().ok(),
            serde_json::Value::Number(number) => number.to_string().parse().ok(),
            _ => None,
        }
    }

    /// -1, 0 or 1.
    pub(crate) fn sign(&self) -> i64 {
        match self.nanos.cmp(&0) {
            Ordering::Less => -1,
            Ordering::Equal => 0,
            Ordering::Greater => 1,
        }
    }

    /// The value as an integer, where Kubernetes' `AsInt64` gives one: not for fractions, not for
    /// quantities that it computes with arbitrary precision (`1.5Gi`), not for `1000m`.
    pub(crate) fn as_integer(&self) -> Option<i64> {
        self.fixed.and_then(Fixed::integer)
    }

    /// The value as a floating point number, which may lose precision.
    #[expect(
        clippy::cast_precision_loss,
        reason = "that is what the caller asks for"
    )]
    pub(crate) fn as_approximate_float(&self) -> f64 {
        let whole = self.nanos / NANOS;
        let rest = self.nanos % NANOS;
        whole as f64 + rest as f64 / NANOS as f64
    }

    /// The value in billionths.
    pub fn nanos(&self) -> i128 {
        self.nanos
    }

    /// The sum, printed as `self` was, or as `other` where `self` is zero.
    pub(crate) fn add(&self, other: &Self) -> Self {
        self.combine(other, self.nanos.saturating_add(other.nanos), Fixed::add)
    }

    /// The difference, printed as `self` was, or as `other` where `self` is zero.
    pub(crate) fn sub(&self, other: &Self) -> Self {
        self.combine(other, self.nanos.saturating_sub(other.nanos), Fixed::sub)
    }

    fn combine(&self, other: &Self, nanos: i128, op: fn(Fixed, Fixed) -> Option<Fixed>) -> Self {
        let fixed = self.fixed.zip(other.fixed).and_then(|(a, b)| op(a, b));
        let format = if self.nanos == 0 {
            other.format
        } else {
            self.format
        };
        Self {
            nanos,
            format,
            fixed,
        }
    }
}

impl From<i64> for Quantity {
    fn from(value: i64) -> Self {
        Self {
            nanos: i128::from(value) * NANOS,
            format: Format::DecimalExponent,
            fixed: Some(Fixed { value, scale: 0 }),
        }
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.nanos == other.nanos
    }
}

impl Eq for Quantity {}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        self.nanos.cmp(&other.nanos)
    }
}

/// A quantity taken apart: its digits before and behind the point, and its suffix.
struct Parts<'t> {
    negative: bool,
    whole: &'t str,
    fraction: &'t str,
    suffix: &'t str,
}

fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

fn split(text: &str) -> Result<Parts<'_>, QuantityError> {
    let (negative, rest) = match text.as_bytes().first() {
        Some(b'-') => (true, text.get(1..).unwrap_or_default()),
        Some(b'+') => (false, text.get(1..).unwrap_or_default()),
        _ => (false, text),
    };
    let (whole, rest) = rest.split_at(digits(rest));
    let (fraction, suffix) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at(digits(rest)),
        None => ("", rest),
    };
    if whole.is_empty() && fraction.is_empty() {
        return Err(QuantityError::Format);
    }
    let whole = whole.trim_start_matches('0');
    Ok(Parts {
        negative,
        whole,
        fraction,
        suffix,
    })
}

/// The base (10 or 2), exponent and format of a suffix.
fn interpret(suffix: &str) -> Result<(u32, i64, Format), QuantityError> {
    let (base, exponent) = match suffix {
        "n" => (10, -9),
        "u" => (10, -6),
        "m" => (10, -3),
        "" => (10, 0),
        "k" => (10, 3),
        "M" => (10, 6),
        "G" => (10, 9),
        "T" => (10, 12),
        "P" => (10, 15),
        "E" => (10, 18),
        "Ki" => (2, 10),
        "Mi" => (2, 20),
        "Gi" => (2, 30),
        "Ti" => (2, 40),
        "Pi" => (2, 50),
        "Ei" => (2, 60),
        _ => match suffix.strip_prefix(['e', 'E']).map(str::parse::<i32>) {
            Some(Ok(exponent)) => return Ok((10, exponent.into(), Format::DecimalExponent)),
            _ => return Err(QuantityError::Suffix),
        },
    };
    let format = if base == 2 {
        Format::BinarySi
    } else {
        Format::DecimalSi
    };
    Ok((base, exponent, format))
}

/// The digits times 10^`power`, in billionths; capped, and rounded away from zero.
fn scaled(digits: &str, power: i64, factor: i128) -> i128 {
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return 0;
    }
    let length = i64::try_from(digits.len()).unwrap_or(i64::MAX);
    let kept = length.saturating_add(power.min(0).saturating_add(9).min(0));
    if power < -9 && kept <= 0 {
        return 1;
    }
    let mut nanos: i128 = 0;
    let mut inexact = false;
    let as_they_are = digits.parse::<u64>().ok().filter(|_| length <= kept);
    if let Some(number) = as_they_are {
        nanos = number.into();
    }
    let one_by_one = digits.bytes().enumerate();
    for (index, digit) in one_by_one.filter(|_| as_they_are.is_none()) {
        let index = i64::try_from(index).unwrap_or(i64::MAX);
        if index < kept {
            let digit = i128::from(digit - b'0');
            nanos = nanos.saturating_mul(10).saturating_add(digit);
        } else {
            inexact |= digit != b'0';
        }
    }
    let zeros = u32::try_from(power.saturating_add(9).max(0)).unwrap_or(u32::MAX);
    nanos = nanos.saturating_mul(10_i128.checked_pow(zeros).unwrap_or(i128::MAX));
    nanos
        .saturating_add(i128::from(inexact))
        .saturating_mul(factor)
}

impl FromStr for Quantity {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let parts = split(text)?;
        let (base, exponent, mut format) = interpret(parts.suffix)?;
        let digits = match parts.fraction {
            "" => Cow::Borrowed(parts.whole),
            fraction => Cow::Owned([parts.whole, fraction].concat()),
        };
        let behind = i64::try_from(parts.fraction.len()).unwrap_or(i64::MAX);
        let mut nanos = if base == 2 {
            binary_nanos(&digits, behind, exponent)
        } else {
            scaled(&digits, exponent.saturating_sub(behind), 1)
        };
        let fixed = Fixed::parse(&digits, behind, parts.negative, exponent, format);
        if format == Format::BinarySi && fixed.is_none() {
            nanos = nanos.min(MAX_BINARY);
            if nanos > 0 && nanos < NANOS {
                format = Format::DecimalSi;
            }
        }
        Ok(Self {
            nanos: if parts.negative { -nanos } else { nanos },
            format,
            fixed,
        })
    }
}

/// A decimal number times a power of two, rounded up only once.
fn binary_nanos(digits: &str, behind: i64, exponent: i64) -> i128 {
    let factor = 1i128 << exponent.clamp(0, 60);
    let digits = digits.trim_start_matches('0');
    // Without a fraction, or with few enough digits, the product is exact in 128 bits.
    let unscaled = digits
        .parse::<i128>()
        .ok()
        .and_then(|n| n.checked_mul(factor));
    match unscaled {
        Some(product) if behind == 0 => product.saturating_mul(NANOS),
        Some(product) => scaled(&product.to_string(), -behind, 1),
        None if digits.is_empty() => 0,
        None => scaled(digits, -behind, factor),
    }
}

impl fmt::Display for Quantity {
    /// The canonical form: no fraction, the largest suffix that loses nothing.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.nanos == 0 {
            return f.write_str("0");
        }
        let whole = self.nanos % NANOS == 0;
        let small = self.nanos.abs() < 1024 * NANOS;
        if self.format == Format::BinarySi && whole && !small {
            return write_binary(f, self.nanos / NANOS);
        }
        let (mut number, mut exponent) = (self.nanos, -9i32);
        let last = if self.format == Format::DecimalExponent {
            i32::MAX
        } else {
            18
        };
        while number % 1000 == 0 && exponent < last {
            number /= 1000;
            exponent += 3;
        }
        write!(f, "{number}")?;
        match (self.format, exponent) {
            (_, 0) => Ok(()),
            (Format::DecimalExponent, exponent) => write!(f, "e{exponent}"),
            (_, exponent) => f.write_str(match exponent {
                -9 => "n",
                -6 => "u",
                -3 => "m",
                3 => "k",
                6 => "M",
                9 => "G",
                12 => "T",
                15 => "P",
                _ => "E",
            }),
        }
    }
}

fn write_binary(f: &mut fmt::Formatter<'_>, mut number: i128) -> fmt::Result {
    let mut suffixes = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"].into_iter();
    let mut suffix = suffixes.next().unwrap_or_default();
    while number % 1024 == 0 {
        let Some(next) = suffixes.next() else { break };
        number /= 1024;
        suffix = next;
    }
    write!(f, "{number}{suffix}")
}

#[cfg(test)]
mod tests;
