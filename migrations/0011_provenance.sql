-- Where an imported bundle came from: what its file said, and who brought it in. Null for what was made here.
alter table policy_bundles add column provenance json;
