//! Whom decisions were about: how many distinct subjects, and how large the largest is.
//!
//! Of a stage this is counted with every decision. Each subject's hash picks one of [`BUCKETS`] buckets and one of
//! [`PARTS`] parts of it. The number of distinct subjects follows from the parts that are empty; where next to none is,
//! from the longest run of zeros in each bucket (HyperLogLog). It is exact in nearly all cases up to a hundred subjects,
//! within 1 % up to a million, and within 4 % beyond. The largest subject has at most the decisions of its bucket, so its
//! share is never said to be too small; the decisions of other subjects in the bucket make it too large by 0.03 % on average.
//!
//! Of the last minutes the newest decisions say it, however many there were.

use lifecycle::rollout::counts::SubjectCounts;
use sqlx::{PgConnection, Postgres, QueryBuilder};
use time::OffsetDateTime;

use crate::Result;

/// The number of buckets.
pub(super) const BUCKETS: u16 = 4096;
/// The number of parts of a bucket.
pub(super) const PARTS: u8 = 64;
/// How many decisions say whom the last minutes were about.
const NEWEST: i64 = 50_000;
/// How many decisions say who the largest subject is.
const NAMED_BY: i64 = 5_000;

/// The subjects of the stages since `since`: those that a bundle served, or all.
pub(crate) async fn subjects(
    db: &mut PgConnection,
    bundle_id: Option<i64>,
    since: OffsetDateTime,
) -> Result<SubjectCounts> {
    let buckets: Vec<(i64, i16, i64)> = sqlx::query_as(
        "select sum(decisions)::int8, max(zeros), bit_or(seen) from policy_stage_subjects
         where stage >= $2 and ($1::int8 is null or bundle_id = $1) group by bucket",
    )
    .bind(bundle_id)
    .bind(since)
    .fetch_all(&mut *db)
    .await?;
    let decisions: u64 = buckets.iter().map(|(decisions, ..)| decisions.unsigned_abs()).sum();
    let largest = buckets.iter().map(|(decisions, ..)| decisions.unsigned_abs()).max().unwrap_or(0);
    let distinct = distinct(&buckets.into_iter().map(|(_, zeros, seen)| (zeros, seen)).collect::<Vec<_>>());
    // A smaller one is nobody's concern.
    let largest_name = if largest > decisions / 2 { most_frequent(db, bundle_id, since).await? } else { None };
    Ok(SubjectCounts { distinct, largest, largest_name })
}

/// The subject that most of the newest decisions since `since` are about: the largest, where one has most of all.
async fn most_frequent(db: &mut PgConnection, bundle_id: Option<i64>, since: OffsetDateTime) -> Result<Option<String>> {
    let mut sql = newest("subject", bundle_id, since, NAMED_BY);
    sql.push(" group by subject order by count(*) desc, subject limit 1");
    Ok(sql.build_query_scalar().fetch_optional(db).await?)
}

/// Distinct subjects of the newest decisions since `since`: those that a bundle served, or all. Too few where there were
/// more decisions than are looked at.
pub(crate) async fn recent_subjects(
    db: &mut PgConnection,
    bundle_id: Option<i64>,
    since: OffsetDateTime,
) -> Result<u64> {
    let found: i64 =
        newest("count(distinct subject)", bundle_id, since, NEWEST).build_query_scalar().fetch_one(db).await?;
    Ok(found.unsigned_abs())
}

/// Selects a figure of the newest decisions since `since`: those that a bundle served, or all.
fn newest(figure: &'static str, bundle_id: Option<i64>, since: OffsetDateTime, limit: i64) -> QueryBuilder<Postgres> {
    let mut sql = QueryBuilder::new("select ");
    sql.push(figure).push(" from (select subject from policy_decisions where recorded_at >= ").push_bind(since);
    if let Some(id) = bundle_id {
        sql.push(" and bundle_id = ").push_bind(id);
    }
    sql.push(" order by recorded_at desc, seq desc limit ").push_bind(limit).push(") newest");
    sql
}

/// Estimates the number of distinct subjects from the buckets that have any: the longest run of zeros, and the parts in
/// which a subject was seen, one a bit.
fn distinct(buckets: &[(i16, i64)]) -> u64 {
    let all = f64::from(BUCKETS) * f64::from(PARTS);
    let seen: u32 = buckets.iter().map(|(_, seen)| seen.count_ones()).sum();
    let empty = all - f64::from(seen);
    if empty >= all / 500.0 {
        return (all * (all / empty).ln()).round() as u64;
    }
    // Each run of `n` zeros is found once in 2ⁿ⁺¹ hashes.
    let count = f64::from(BUCKETS);
    let without = count - buckets.len() as f64;
    let sum: f64 = without + buckets.iter().map(|(zeros, _)| 0.5_f64.powi(i32::from(*zeros) + 1)).sum::<f64>();
    (0.7213 / (1.0 + 1.079 / count) * count * count / sum).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decisions::batch::of_subject;

    fn estimated(hashes: impl Iterator<Item = (i16, i16, i64)>) -> f64 {
        let mut buckets = vec![None; usize::from(BUCKETS)];
        for (bucket, zeros, seen) in hashes {
            let (before, others) = buckets[usize::try_from(bucket).unwrap()].unwrap_or((0, 0));
            buckets[usize::try_from(bucket).unwrap()] = Some((zeros.max(before), seen | others));
        }
        distinct(&buckets.into_iter().flatten().collect::<Vec<_>>()) as f64
    }

    fn subjects(count: usize) -> f64 {
        estimated((0..count).map(|number| of_subject(&format!("subject-{number}"))))
    }

    /// As many different hashes, made faster than by SHA-256.
    fn numbers(count: u64) -> f64 {
        estimated((1..=count).map(|number| {
            let mut hash = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            hash ^= hash >> 31;
            let zeros = (hash >> 18).leading_zeros() - 18;
            (i16::try_from(hash & 0xfff).unwrap(), i16::try_from(zeros).unwrap(), 1 << ((hash >> 12) & 63))
        }))
    }

    #[test]
    fn few_distinct_subjects_are_counted_exactly() {
        for count in 0..=150 {
            assert_eq!(subjects(count), count as f64);
        }
    }

    #[test]
    fn many_distinct_subjects_are_estimated_within_a_few_percent() {
        for count in [1_000, 10_000, 40_000] {
            let share = subjects(count) / count as f64;
            assert!((share - 1.0).abs() < 0.005, "{count}: {share}");
        }
        for (count, within) in [(100_000, 0.005), (1_000_000, 0.01), (1_500_000, 0.02), (3_000_000, 0.05)] {
            let share = numbers(count) / count as f64;
            assert!((share - 1.0).abs() < within, "{count}: {share}");
        }
    }
}
