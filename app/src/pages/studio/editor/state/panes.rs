//! The tab that each pane shows, and the content that a pane was asked to show.

use leptos::prelude::*;
use policy::engine::Input;

use super::read_only::ReadOnly;

/// The tabs of one row. The id names the tab in element ids, the label is what people read.
pub trait TabRow: Copy + PartialEq + Send + Sync + 'static {
    /// The tabs in the order of the row.
    const ALL: &'static [Self];

    /// Names the tab in element ids.
    fn id(self) -> &'static str;

    /// The visible text.
    fn label(self) -> &'static str;

    /// The tab with this id.
    fn from_id(id: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|tab| tab.id() == id)
    }
}

/// The tabs of the document in the centre.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MainTab {
    /// The rules table.
    Rules,
    /// The policy map.
    Map,
    /// The document as JSON.
    Source,
    /// The settings that belong to no rule.
    Bundle,
}

impl TabRow for MainTab {
    const ALL: &'static [Self] = &[Self::Rules, Self::Map, Self::Source, Self::Bundle];

    fn id(self) -> &'static str {
        match self {
            Self::Rules => "rules",
            Self::Map => "map",
            Self::Source => "source",
            Self::Bundle => "bundle",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Rules => "Rules",
            Self::Map => "Policy map",
            Self::Source => "Source",
            Self::Bundle => "Bundle",
        }
    }
}

/// The tabs of the side panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SideTab {
    /// Findings of the linter.
    Problems,
    /// The changes against stable.
    Changes,
    /// The form of the selected rule.
    Rule,
}

impl TabRow for SideTab {
    const ALL: &'static [Self] = &[Self::Problems, Self::Changes, Self::Rule];

    fn id(self) -> &'static str {
        match self {
            Self::Problems => "problems",
            Self::Changes => "changes",
            Self::Rule => "rule",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Problems => "Problems",
            Self::Changes => "Changes",
            Self::Rule => "Rule",
        }
    }
}

/// The tabs of the dock below.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DockTab {
    /// The replay of many cases.
    Simulate,
    /// The answer to one input.
    OneInput,
    /// The outcomes over one threshold.
    Sweep,
    /// Saved test cases.
    Tests,
}

impl TabRow for DockTab {
    const ALL: &'static [Self] = &[Self::Simulate, Self::OneInput, Self::Sweep, Self::Tests];

    fn id(self) -> &'static str {
        match self {
            Self::Simulate => "simulate",
            Self::OneInput => "one",
            Self::Sweep => "sweep",
            Self::Tests => "tests",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Simulate => "Simulate",
            Self::OneInput => "One input",
            Self::Sweep => "Threshold sweep",
            Self::Tests => "Test cases",
        }
    }
}

/// The tab that each pane shows. Copies are handles to the same panes.
#[derive(Debug, Clone, Copy)]
pub struct Panes {
    main: RwSignal<MainTab>,
    side: RwSignal<SideTab>,
    dock: RwSignal<DockTab>,
    region: RwSignal<Option<usize>>,
    input: RwSignal<Input>,
    awaiting_input: StoredValue<bool>,
}

impl Panes {
    /// The first tab of every pane.
    pub(super) fn new() -> Self {
        let main = RwSignal::new(MainTab::Rules);
        let side = RwSignal::new(SideTab::Problems);
        let dock = RwSignal::new(DockTab::Simulate);
        let region = RwSignal::new(None);
        let input = RwSignal::new(Input::default());
        Self { main, side, dock, region, input, awaiting_input: StoredValue::new(false) }
    }

    /// The tab of the document.
    pub fn main(self) -> ReadOnly<MainTab> {
        self.main.into()
    }

    /// The tab of the side panel.
    pub fn side(self) -> ReadOnly<SideTab> {
        self.side.into()
    }

    /// The tab of the dock.
    pub fn dock(self) -> ReadOnly<DockTab> {
        self.dock.into()
    }

    /// Opens a tab of the document.
    pub fn open_main(self, tab: MainTab) {
        self.main.set(tab);
    }

    /// Opens a tab of the side panel.
    pub fn open_side(self, tab: SideTab) {
        self.side.set(tab);
    }

    /// Opens a tab of the dock.
    pub fn open_dock(self, tab: DockTab) {
        self.dock.set(tab);
    }

    /// The region of the semantic diff that *Changes* highlights.
    pub fn region(self) -> ReadOnly<Option<usize>> {
        self.region.into()
    }

    /// Shows a region of the semantic diff under *Changes*.
    pub fn show_region(self, region: usize) {
        self.side.set(SideTab::Changes);
        self.region.set(Some(region));
    }

    /// The input under *One input*.
    pub fn input(self) -> ReadOnly<Input> {
        self.input.into()
    }

    /// Puts an input under *One input* without opening the tab.
    pub fn set_input(self, input: Input) {
        self.input.set(input);
    }

    /// Opens *One input* with this input.
    pub fn try_input(self, input: Input) {
        self.input.set(input);
        self.dock.set(DockTab::OneInput);
    }

    /// Opens *One input* for an input that is still being fetched: no case takes its place meanwhile.
    pub fn await_input(self) {
        self.dock.set(DockTab::OneInput);
        self.awaiting_input.set_value(true);
    }

    /// Whether *One input* waits for an input that is being fetched. Not tracked.
    pub fn is_awaiting_input(self) -> bool {
        self.awaiting_input.get_value()
    }
}
