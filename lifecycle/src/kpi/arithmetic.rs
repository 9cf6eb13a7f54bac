//! Integer arithmetic of KPIs: every quotient is rounded half away from zero, exactly as the SQL views round.

/// `sum / count`, rounded half away from zero; `None` when `count` is not positive.
pub(super) fn quotient(sum: i128, count: i128) -> Option<i64> {
    if count <= 0 {
        return None;
    }
    let magnitude = (2 * sum.unsigned_abs() + count.unsigned_abs()) / (2 * count.unsigned_abs());
    let magnitude = i64::try_from(magnitude).unwrap_or(i64::MAX);
    Some(if sum < 0 { -magnitude } else { magnitude })
}

/// `part / whole` in basis points.
pub(super) fn basis_points(part: usize, whole: usize) -> Option<i64> {
    let wide = |count: usize| i128::try_from(count).unwrap_or(i128::MAX);
    quotient(wide(part).saturating_mul(10_000), wide(whole))
}
