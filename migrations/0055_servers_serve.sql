-- What each running server serves: the mark of the live state that it has loaded. So whoever changes the live state can say
-- how many servers have followed.

alter table server_keys add column serving text;
