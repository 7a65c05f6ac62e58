//! The date in UTC, from seconds since 1970.

const WEEKDAYS: [&str; 7] = ["Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"];
const MONTHS: [(&str, u64); 12] = [
    ("January", 31),
    ("February", 28),
    ("March", 31),
    ("April", 30),
    ("May", 31),
    ("June", 30),
    ("July", 31),
    ("August", 31),
    ("September", 30),
    ("October", 31),
    ("November", 30),
    ("December", 31),
];
const DAY_S: u64 = 24 * 60 * 60;

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

/// A line in the syntax that RFC 867 recommends: `Tuesday, February 22, 1982 17:37:43-UTC`.
pub(super) fn daytime(unix_s: u64) -> String {
    let (mut day, second) = (unix_s / DAY_S, unix_s % DAY_S);
    let weekday = WEEKDAYS[(day % 7) as usize];
    let mut year = 1970;
    while day >= 365 + u64::from(is_leap(year)) {
        day -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let mut month = "";
    for (name, days) in MONTHS {
        let days = days + u64::from(name == "February" && is_leap(year));
        month = name;
        if day < days {
            break;
        }
        day -= days;
    }
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{weekday}, {month} {}, {year} {hour:02}:{minute:02}:{second:02}-UTC\r\n", day + 1)
}

#[cfg(test)]
mod tests {
    use super::daytime;

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(daytime(0), "Thursday, January 1, 1970 00:00:00-UTC\r\n");
        assert_eq!(daytime(951_782_399), "Monday, February 28, 2000 23:59:59-UTC\r\n");
        assert_eq!(daytime(951_782_400), "Tuesday, February 29, 2000 00:00:00-UTC\r\n");
        assert_eq!(daytime(1_767_225_599), "Wednesday, December 31, 2025 23:59:59-UTC\r\n");
        assert_eq!(daytime(4_107_542_400), "Monday, March 1, 2100 00:00:00-UTC\r\n");
    }
}
