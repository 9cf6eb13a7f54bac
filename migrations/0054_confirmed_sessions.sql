-- When the password was last given in a session. Linking an account with the sign-in provider asks for it: who is linked signs
-- in to the account from then on.
alter table sessions add column confirmed_at timestamptz;
