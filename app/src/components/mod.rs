//! The component kit. Every page is drawn with these components only: there is one way to draw a button.
//!
//! ```text
//! <PageHead title="Reviews" meta=|| … actions=|| … above=vec![("Reviews".into(), "/reviews".into())] />
//! <Panel title="Gates" note="exact" actions=|| view! { … } flush=true>…</Panel>
//! <Button kind=ButtonKind::Primary pending=action.pending() submit=true>"Approve"</Button>    on:click=… attr:title=…
//! <ActionButton action=state.revoke id=token.id text="Revoke" label=format!("Revoke {name}") kind=ButtonKind::Danger />
//! <LinkButton href="/studio" kind=ButtonKind::Ghost small=true>"Open"</LinkButton>
//! <EffectBadge effect=Effect::Allow no_match=false />      <StateChip state=State::Canary />
//! <SeverityChip severity=… />  <IncidentStatusChip status=… />  <PacketStatusChip status=… />  <FindingChip severity=… />
//! <Chip tone=Tone::Warn sign="▲">"moved base"</Chip>        <Notice tone=Tone::Warn>…</Notice>
//! <Table label="Rules" interactive=true><Head columns=&[Text("Rule"), Number("Hits")] /><tbody>…</tbody></Table>
//!     numbers: <td class="num">
//! <LoadMore more=… pending=… on_more=move |()| … />
//! let tab = url_tab("tab", "meaning");  <Tabs group="packet" label="Packet" tabs=vec![Tab::new("meaning", "Meaning")]
//!     selected=tab param="tab" />  <TabPanel group="packet" id="meaning" selected=tab>…</TabPanel>
//! <Dialog open=open id="roll-back" title="Roll back 2.4.0">… <div class="dialog-foot">buttons</div></Dialog>
//! <FormError action=action />   form_error(action) for the `error` of a field
//! <TextInput label="Email" name="email" kind="email" value=signal error=signal hint="…" required=true />
//! <TextArea …rows=4 mono=true />  <Select …options=vec![("low".into(), "Low".into())] />  <Checkbox …/>  <Switch …/>
//! <Field label="Reason" id="reason">your own control with that id</Field>
//! <Button on_click=open_new_draft(pending, || new_draft(true))>…     makes a draft and opens it
//! use_toasts().good("Draft saved"); use_toasts().bad(&error);
//! <EmptyState title="No drafts yet">what this is for, and a button</EmptyState>     <ErrorPanel error=app_error />
//! <ConditionChip field=">=risk_score" value=json!(85) was=json!(90) />    condition_words(key, &value) for the text
//! <Signature value=record.signature refused=checked.refused />
//! <Digest value=record.digest what="digest" />    <RelativeTime at=… as_of=… />    format::{count, percent, usd, duration, …}
//! <StageBar stable=… canary=… />  <Meter value=0.4 label="…" />  <BarStack parts=… label="…" legend=true />
//! <Sparkline points=… label="…" threshold=0.05 tall=true />
//! <RegionCard region=… count=… on_try=… />  <Certificate new_allows=… complete=… />  <TransitionMatrix transitions=… />
//! <ExternalText text=reason />  <ExternalText text=notes lines=true />    texts from outside, with odd characters written out
//! {prose(&finding.message)}    facts::{gist, rows, values} for inputs
//! <RoleBoxes roles=roles_of_people() checked=person.roles />
//! <Spinner />  <Skeleton lines=4 />  <Kbd key="Ctrl K" />  <Brand />
//! <div on:change=submit_form><Form method="GET" …><Select … value=field_value(chosen) /></Form></div>    filters of a list
//! ```
//!
//! Layout classes of `style/`: `stack` (column with gaps), `row` (wrapping row), `spread` (row, ends apart), `grid-2`,
//! `grid-3`, `grid-4` (columns that fold on narrow screens), `with-aside` (main column and a side column), `muted`,
//! `faint`, `mono`, `num`, `visually-hidden`.

pub mod action_button;
pub mod brand;
pub mod button;
pub mod chart;
pub mod chip;
pub mod condition;
pub mod dialog;
pub mod external_text;
pub mod facts;
pub mod field;
pub mod filter_form;
pub mod form_error;
pub mod new_draft;
pub mod panel;
pub mod prose;
pub mod region;
pub mod role_boxes;
pub mod signature;
pub mod table;
pub mod tabs;
pub mod time;
pub mod toast;
pub mod wait;

pub use action_button::ActionButton;
pub use brand::Brand;
pub use button::{Button, ButtonKind, LinkButton};
pub use chart::{BarStack, IntervalBar, Meter, Part, Share, Sparkline, StageBar};
pub use chip::{
    Chip, EffectBadge, FindingChip, IncidentStatusChip, PacketStatusChip, SeverityChip, StateChip, Tone, effect_words,
};
pub use condition::{ConditionChip, ConditionWords, condition_words, value_words};
pub use dialog::Dialog;
pub use external_text::ExternalText;
pub use field::{Checkbox, Field, Select, Switch, TextArea, TextInput};
pub use filter_form::{field_value, submit_form};
pub use form_error::{FormError, form_error};
pub use new_draft::open_new_draft;
pub use panel::{EmptyState, ErrorPanel, Notice, PageHead, Panel};
pub use role_boxes::{RoleBoxes, roles_of_people};
pub use signature::Signature;
pub use table::{Column, Head, LoadMore, Table};
pub use tabs::{Tab, TabPanel, Tabs, url_tab};
pub use time::{Digest, RelativeTime, short_digest};
pub use toast::{ToastRegion, use_toasts};
pub use wait::{Kbd, Skeleton, Spinner};

pub use crate::format;
