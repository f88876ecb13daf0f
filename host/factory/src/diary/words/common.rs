//! Words with which a sentence may begin without naming anything.

/// Words that are no names, in small letters.
const COMMON: &str = "
a about above across after again all almost along already also although always among an and another any
anybody anyone anything apart around as at away back because before behind being below beside besides
between beyond both but by can cannot could did do does doing done down during each either else even ever
every everybody everyone everything everywhere few finally first for formerly from further had has have
having he hence her here him his how however i if in indeed instead into is it its itself just last later
least less like likewise many may maybe meanwhile might more moreover most much must my neither never
nevertheless next no nobody none nor not nothing now of off often on once one only or other others otherwise
our out over own perhaps please previously rather same several shall she should since so some somebody
someone something sometimes soon still such than thanks that the their them then there thereby therefore
these they this those though three through throughout thus to today together too two under unless until up
upon us usually was we were what whatever when whenever where whereas wherever whether which while who
whoever whole whose why will with within without would yes yet you your
add adding anyone builds change changes checking clean cleaning code commands configuration crashes
developers documentation editors errors existing failing features fixes fixing four five six fresh great
internal large long making moving new old older operators people previous readers recent refactoring
release removing running several simple simpler small smaller starting support tests testing tools users
using work writers";

pub(super) fn is_common(word: &str) -> bool {
    let lower = word.to_lowercase();
    let bare = lower.split(['\'', '\u{2019}']).next().unwrap_or_default();
    COMMON.split_whitespace().any(|common| common == bare)
}
