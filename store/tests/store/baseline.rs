//! A workspace that was migrated before the baseline is recognised by its schema, and keeps everything in it.

use std::collections::BTreeMap;

use crate::fixtures::*;
use lifecycle::{
    decision::Record,
    problem::Problem,
    signing::{Key, KeyRing},
};
use sqlx::{
    AssertSqlSafe, Connection, PgConnection,
    migrate::{MigrateError, Migrator},
    postgres::PgConnectOptions,
};
use store::{Error, Store, audit, bundles, decisions, rollout, testing};

/// A demo workspace of the previous release.
const DUMP: &str = include_str!("../data/workspace_before_baseline.sql");

static MIGRATIONS: Migrator = sqlx::migrate!("../migrations");

/// The version of the baseline's last migration.
const BASELINE: i64 = 12;

async fn execute(options: &PgConnectOptions, sql: &str) {
    let mut db = PgConnection::connect_with(options).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut db).await.unwrap();
    db.close().await.unwrap();
}

/// An empty database.
async fn empty() -> PgConnectOptions {
    let options = testing::as_owner(&testing::database().await);
    execute(&options, "drop schema public cascade; create schema public").await;
    options
}

/// A database restored from the dump of that workspace.
async fn restored() -> PgConnectOptions {
    let options = empty().await;
    execute(&options, DUMP).await;
    options
}

/// A copy of a database. Nothing may be connected to the original.
async fn copy(options: &PgConnectOptions, name: &str) -> PgConnectOptions {
    let original = options.get_database().unwrap();
    let name = format!("{original}_{name}");
    execute(&options.clone().database("postgres"), &format!("create database {name} template {original}")).await;
    options.clone().database(&name)
}

async fn connect(options: &PgConnectOptions) -> Store {
    // The key of the former release, whose records the dump holds.
    let keys = KeyRing { current: Key::new("test", "a secret for tests"), previous: Vec::new() };
    Store::connect(options.clone(), keys).await.unwrap()
}

/// Migrates as a starting server does.
async fn migrate(options: &PgConnectOptions) -> store::Result<()> {
    let store = connect(options).await;
    let migrated = store.migrate().await;
    store.pool().close().await;
    migrated
}

/// The message with which the workspace is refused.
async fn refusal(options: &PgConnectOptions) -> String {
    let error = migrate(options).await.unwrap_err();
    assert!(matches!(error, Error::Refused(_)), "{error:?}");
    Problem::from(error).detail
}

type Applied = (i64, String, Vec<u8>, bool);

async fn applied(options: &PgConnectOptions) -> Vec<Applied> {
    let mut db = PgConnection::connect_with(options).await.unwrap();
    sqlx::query_as("select version, description, checksum, success from _sqlx_migrations order by version")
        .fetch_all(&mut db)
        .await
        .unwrap()
}

/// Each table with its columns.
async fn tables(options: &PgConnectOptions) -> Vec<(String, String)> {
    let mut db = PgConnection::connect_with(options).await.unwrap();
    sqlx::query_as(
        "select relname::text, string_agg(quote_ident(attname), ', ' order by attnum)
         from pg_class c join pg_attribute on attrelid = c.oid and attnum > 0 and not attisdropped
         where relnamespace = 'public'::regnamespace and relkind = 'r' and relname <> '_sqlx_migrations'
         group by relname",
    )
    .fetch_all(&mut db)
    .await
    .unwrap()
}

/// The number of rows in each table, and a hash of them.
async fn contents(options: &PgConnectOptions, tables: &[(String, String)]) -> BTreeMap<String, (i64, Option<String>)> {
    let mut db = PgConnection::connect_with(options).await.unwrap();
    let mut contents = BTreeMap::new();
    for (table, columns) in tables {
        let sql = format!(
            "select count(*), md5(string_agg(line, '' order by line))
             from (select row({columns})::text as line from {table}) lines"
        );
        contents.insert(table.clone(), sqlx::query_as(AssertSqlSafe(sql)).fetch_one(&mut db).await.unwrap());
    }
    contents
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_of_the_previous_release_is_recognised_and_keeps_everything() {
    let options = restored().await;
    // A later migration replaces the table of failed sign-ins, which nobody needs to keep, and gives tokens an end.
    let kept = tables(&options).await.into_iter().filter(|(table, _)| table != "sign_in_failures");
    let tables: Vec<(String, String)> = kept
        .map(|(table, columns)| {
            let columns = if table == "api_tokens" { columns.replace(" expires_at,", "") } else { columns };
            (table, columns)
        })
        .collect();
    let before = contents(&options, &tables).await;
    for table in
        ["people", "policy_bundles", "policy_packets", "policy_decisions", "incidents", "policy_lifecycle_audit"]
    {
        assert!(before[table].0 > 0, "{before:?}");
    }
    let former = applied(&options).await;
    assert_eq!(former.last().unwrap().0, 18);

    // Two servers start at once.
    let (one, other) = tokio::join!(migrate(&options), migrate(&options));
    one.unwrap();
    other.unwrap();
    assert_eq!(contents(&options, &tables).await, before);
    let marked = applied(&options).await;
    assert_eq!(marked, applied(&testing::database().await).await, "as if migrated from nothing");

    let ends = "select count(*) filter (where expires_at is null), \
         count(*) filter (where expires_at - now() between interval '89 days' and interval '90 days') from api_tokens \
         where revoked_at is null";
    let mut db = PgConnection::connect_with(&options).await.unwrap();
    let (endless, ended): (i64, i64) = sqlx::query_as(ends).fetch_one(&mut db).await.unwrap();
    assert!(endless == 0 && ended > 0, "tokens that never ended: {endless}, with 90 days: {ended}");
    db.close().await.unwrap();

    // Nothing is left to do.
    let rows = "select json_agg(m order by version)::text from _sqlx_migrations m";
    let store = connect(&options).await;
    let list: String = sqlx::query_scalar(rows).fetch_one(store.pool()).await.unwrap();
    store.migrate().await.unwrap();
    assert_eq!(sqlx::query_scalar::<_, String>(rows).fetch_one(store.pool()).await.unwrap(), list);

    // The audit chain and the signatures hold, and work goes on.
    let verdict = audit::verify(&store, &admin()).await.unwrap();
    assert!(verdict.valid && verdict.entries > 0, "{verdict:?}");
    let history = rollout::history(&store, &owner(), 100).await.unwrap();
    assert!(!history.applies.is_empty() && history.applies.iter().all(|record| record.verifies()));
    bundles::create(&store, &author(), source(None, 50)).await.unwrap();
    let newest = decisions::list(&store, &author(), &decisions::Filter::default()).await.unwrap().items.remove(0);
    let filter = decisions::Filter { agent: Some(newest.agent.clone()), ..Default::default() };
    assert_eq!(decisions::list(&store, &author(), &filter).await.unwrap().items[0], newest);
    let next = Record { decision_id: "next".into(), ..newest.clone() };
    decisions::append(&store, std::slice::from_ref(&next)).await.unwrap();
    let listed = decisions::list(&store, &author(), &filter).await.unwrap().items;
    assert_eq!(listed[..2], [next, newest]);
    assert!(audit::verify(&store, &admin()).await.unwrap().valid);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_that_differs_is_refused_by_name_and_left_as_it_is() {
    let workspace = restored().await;
    let edits = [
        (
            "alter table settings alter column updated_by type varchar(80)",
            "column updated_by of settings is `character varying(80) not null` instead of `text not null`",
        ),
        (
            "alter table people alter column name drop not null",
            "column name of people is `text` instead of `text not null`",
        ),
        (
            "alter table people alter column enabled set default false",
            "column enabled of people is `boolean not null default false` instead of `boolean not null default true`",
        ),
        ("alter table policy_decisions alter column seq set cache 1", "(increment 1 cache 1)` instead of"),
        ("alter table people drop column updated_at", "column updated_at of people is missing"),
        ("alter table people add column phone text", "column phone of people was added"),
        ("drop trigger keep_step on policy_bundles", "trigger keep_step of policy_bundles is missing"),
        (
            "alter table policy_drills disable trigger append_only",
            "trigger append_only of policy_drills is `disabled, BEFORE",
        ),
        (
            "create trigger mine before insert on people for each row execute function countersign_announce()",
            "trigger mine of people was added",
        ),
        (
            "create or replace function countersign_refuse_change() returns trigger language plpgsql
             as 'begin return old; end'",
            "function countersign_refuse_change() is `plpgsql volatile returns trigger as ",
        ),
        (
            "alter table policy_bundles drop constraint policy_bundles_share",
            "constraint policy_bundles_share of policy_bundles is missing",
        ),
        ("drop index policy_bundles_one_canary", "unique index policy_bundles_one_canary of policy_bundles is missing"),
        ("create unique index mine on people (name)", "unique index mine of people was added"),
        ("drop view clo_kpi_summary_v1", "view clo_kpi_summary_v1 is missing"),
        (
            "create or replace view clo_kpi_summary_v1 as select * from clo_kpi_summary_at(now() - interval '1 day')",
            "view clo_kpi_summary_v1 is `",
        ),
        ("drop table policy_fixtures", "table policy_fixtures is missing"),
    ];
    let before = applied(&workspace).await;
    for (number, (edit, named)) in edits.into_iter().enumerate() {
        let options = copy(&workspace, &format!("edit_{number}")).await;
        execute(&options, edit).await;
        let tables = tables(&options).await;
        let rows = contents(&options, &tables).await;
        let refusal = refusal(&options).await;
        assert!(refusal.contains(named), "{edit}: {refusal}");
        assert!(refusal.ends_with("Undo these differences, then start again. Nothing was changed."), "{refusal}");
        assert_eq!(applied(&options).await, before, "{edit}");
        assert_eq!(contents(&options, &tables).await, rows, "{edit}");
    }
    // The first ten differences are named, and the others counted.
    execute(&workspace, "drop table sessions; drop view clo_kpi_summary_v1; alter table people add column phone text")
        .await;
    let refusal = refusal(&workspace).await;
    assert!(refusal.contains("constraint sessions_pkey of sessions is missing; "), "{refusal}");
    assert!(refusal.contains("; and 2 more. "), "{refusal}");
}

#[tokio::test(flavor = "multi_thread")]
async fn additions_by_operators_are_no_difference() {
    let options = restored().await;
    execute(
        &options,
        "create table reporting (day date primary key, decisions bigint);
         create view busy as select agent, count(*) as n from policy_decisions group by agent;
         create function today() returns date language sql as 'select current_date';
         create index mine on policy_decisions (subject);
         alter table policy_decisions set (autovacuum_vacuum_scale_factor = 0.01);
         grant select on policy_decisions to public;
         comment on table people is 'ours'",
    )
    .await;
    migrate(&options).await.unwrap();
    assert_eq!(applied(&options).await, applied(&testing::database().await).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incomplete_newer_or_changed_list_of_migrations_is_refused() {
    let workspace = restored().await;
    let lists = [
        ("delete from _sqlx_migrations where version >= 17", "11 of its 13"),
        ("delete from _sqlx_migrations where version = 9", "12 of its 13"),
        ("update _sqlx_migrations set success = false where version = 18", "12 of its 13"),
    ];
    for (number, (edit, has)) in lists.into_iter().enumerate() {
        let options = copy(&workspace, &format!("list_{number}")).await;
        execute(&options, edit).await;
        let before = applied(&options).await;
        let refusal = refusal(&options).await;
        assert!(refusal.contains(has) && refusal.contains("Start the previous release once"), "{refusal}");
        assert_eq!(applied(&options).await, before);
    }
    let newer = copy(&workspace, "newer").await;
    execute(&newer, "insert into _sqlx_migrations values (19, 'of a later release', now(), true, '\\x00', 1)").await;
    let error = migrate(&newer).await.unwrap_err();
    assert!(matches!(error, Error::Migration(MigrateError::VersionMissing(19))), "{error:?}");
    let changed = copy(&workspace, "changed").await;
    execute(&changed, "update _sqlx_migrations set checksum = '\\x00' where version = 11").await;
    let error = migrate(&changed).await.unwrap_err();
    assert!(matches!(error, Error::Migration(MigrateError::VersionMismatch(11))), "{error:?}");
    // After the baseline is adopted, the migrator still refuses a migration of a later release.
    migrate(&workspace).await.unwrap();
    execute(&workspace, "insert into _sqlx_migrations values (9999, 'of a later release', now(), true, '\\x00', 1)")
        .await;
    let error = migrate(&workspace).await.unwrap_err();
    assert!(matches!(error, Error::Migration(MigrateError::VersionMissing(9999))), "{error:?}");
}

/// Otherwise later migrations would meet two different schemas.
#[tokio::test(flavor = "multi_thread")]
async fn the_baseline_creates_the_schema_that_is_recognised() {
    let options = empty().await;
    let mut db = PgConnection::connect_with(&options).await.unwrap();
    MIGRATIONS.run_to(BASELINE, &mut db).await.unwrap();
    sqlx::query("delete from _sqlx_migrations").execute(&mut db).await.unwrap();
    for (version, description, checksum, success) in applied(&restored().await).await {
        sqlx::query("insert into _sqlx_migrations values ($1, $2, now(), $3, $4, 1)")
            .bind(version)
            .bind(description)
            .bind(success)
            .bind(checksum)
            .execute(&mut db)
            .await
            .unwrap();
    }
    migrate(&options).await.unwrap();
    assert_eq!(applied(&options).await, applied(&testing::database().await).await);
}
