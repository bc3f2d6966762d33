//! The 64-bit form of a quantity (`int64Amount`): a value and a power of ten.
//!
//! Kubernetes converts a quantity to an integer only from this form. `isInteger` and `asInteger`
//! must answer alike here, so the rules of when it is used are followed, not just the value.

use super::{Format, MAX_FIXED_DIGITS};

/// `value` × 10^`scale`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fixed {
    pub(super) value: i64,
    pub(super) scale: i64,
}

impl Fixed {
    /// The form of a quantity with these digits, of which `behind` stand behind the point; `None`
    /// where Kubernetes computes with arbitrary precision.
    pub(super) fn parse(
        digits: &str,
        behind: i64,
        negative: bool,
        exponent: i64,
        format: Format,
    ) -> Option<Self> {
        // A number without a whole part counts as having the digit 0 there.
        let whole = i64::try_from(digits.len())
            .ok()?
            .checked_sub(behind)?
            .max(1);
        let length = whole.checked_add(behind)?;
        let (precision, scale, factor) = match format {
            Format::BinarySi if behind > 0 => return None,
            Format::BinarySi => {
                let binary_digits = exponent * 3 / 10;
                (
                    15 - length - binary_digits - 1,
                    0,
                    1i64.checked_shl(u32::try_from(exponent).ok()?)?,
                )
            }
            _ => (MAX_FIXED_DIGITS - length, exponent.checked_sub(behind)?, 1),
        };
        if precision < 0 || scale < -9 {
            return None;
        }
        let number = match digits {
            "" => 0,
            digits => digits.parse::<i64>().ok()?,
        };
        let value = number.checked_mul(factor)?;
        Some(Self {
            value: if negative { -value } else { value },
            scale,
        })
    }

    /// The value as an integer: not for negative scales, even where nothing would be lost.
    pub(super) fn integer(self) -> Option<i64> {
        match self.scale {
            0 => Some(self.value),
            scale if scale < 0 => None,
            scale => multiply(self.value, scale),
        }
    }

    /// The sum, in the finer of both scales.
    pub(super) fn add(self, other: Self) -> Option<Self> {
        if other.value == 0 {
            return Some(self);
        }
        if self.value == 0 {
            return Some(other);
        }
        let scale = self.scale.min(other.scale);
        let a = multiply(self.value, self.scale - scale)?;
        let b = multiply(other.value, other.scale - scale)?;
        Some(Self {
            value: a.checked_add(b)?,
            scale,
        })
    }

    /// The difference, in the finer of both scales.
    pub(super) fn sub(self, other: Self) -> Option<Self> {
        let value = other.value.checked_neg()?;
        self.add(Self { value, ..other })
    }
}

fn multiply(value: i64, power: i64) -> Option<i64> {
    let factor = 10i64.checked_pow(u32::try_from(power).ok()?)?;
    value.checked_mul(factor)
}
