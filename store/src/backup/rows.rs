//! How much a database holds: rows of each table, by which a copy is compared with its original.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, PgConnection};

use super::BackupError;

/// The tables in which the workspace lies, as names to show and as names to use in SQL. What hangs below another table
/// is counted there.
const TABLES: &str = "select c.oid::regclass::text, format('%I.%I', n.nspname, c.relname)
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and not c.relispartition
        and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg\\_%'
    order by 1";

/// The number of rows of each table.
pub(super) async fn count(db: &mut PgConnection) -> Result<BTreeMap<String, u64>, BackupError> {
    let tables: Vec<(String, String)> = sqlx::query_as(TABLES).fetch_all(&mut *db).await?;
    let mut rows = BTreeMap::new();
    for (name, table) in tables {
        // PostgreSQL itself quoted the name.
        let count = format!("select count(*) from {table}");
        let found: i64 = sqlx::query_scalar(AssertSqlSafe(count)).fetch_one(&mut *db).await?;
        rows.insert(name, found.unsigned_abs());
    }
    Ok(rows)
}

/// Refuses a copy that has other tables, or other numbers of rows.
pub(super) fn compare(original: &BTreeMap<String, u64>, copy: &BTreeMap<String, u64>) -> Result<(), BackupError> {
    let names = original.keys().chain(copy.keys());
    let mut differing: Vec<String> = names
        .filter(|name| original.get(*name) != copy.get(*name))
        .map(|name| {
            let shown = |rows: &BTreeMap<String, u64>| rows.get(name).map_or("no".to_owned(), u64::to_string);
            format!("`{name}` has {} rows instead of {}", shown(copy), shown(original))
        })
        .collect();
    differing.sort();
    differing.dedup();
    if differing.is_empty() { Ok(()) } else { Err(BackupError::Differs(differing.join(", "))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_difference_is_named_once() {
        let rows = |pairs: &[(&str, u64)]| pairs.iter().map(|(name, rows)| ((*name).to_owned(), *rows)).collect();
        assert!(compare(&rows(&[("a", 1)]), &rows(&[("a", 1)])).is_ok());
        let refused = compare(&rows(&[("a", 1), ("b", 2)]), &rows(&[("a", 3)])).unwrap_err().to_string();
        assert!(refused.contains("`a` has 3 rows instead of 1, `b` has no rows instead of 2"), "{refused}");
    }
}
