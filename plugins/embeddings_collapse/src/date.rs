//! The calendar day of a time, for ids that people read.

const MICROSECONDS_A_DAY: i64 = 86_400_000_000;

/// `YYYYMMDD` in UTC of microseconds since 1970, by Howard Hinnant's `civil_from_days`.
pub(crate) fn compact(microseconds: i64) -> String {
    let days = microseconds.div_euclid(MICROSECONDS_A_DAY) + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}{month:02}{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        for (seconds, day) in [
            (0, "19700101"),
            (951_782_400, "20000229"),
            (951_868_800, "20000301"),
            (1_767_225_599, "20251231"),
            (1_782_345_600, "20260625"),
            (-1, "19691231"),
        ] {
            assert_eq!(compact(seconds * 1_000_000), day);
        }
    }
}
