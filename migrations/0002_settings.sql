-- Settings of the workspace: one row per group. A group without a row has its default values.

create table settings (
    key text primary key,
    value json not null,
    updated_at timestamptz not null,
    updated_by text not null
);
