-- A decision is written often, and its agent's page is looked at seldom. The index by agent, action, time and number
-- took a third of the time of writing one: its keys are wide, and the next row of an agent goes to another page of it
-- for every action. By agent and time alone the rows of one agent lie in order, and a page of them is still found by
-- walking back from the newest; who asks for an action too skips those of the others.
drop index policy_decisions_by_agent;
create index policy_decisions_by_agent on policy_decisions (agent, decided_at);

-- Numbers only order decisions of the same moment. A session takes some at a time; those it does not use are gaps.
alter table policy_decisions alter column seq set cache 64;
