//! Which part of the numbers is this process's: told by hand, or by the engine that started it.

use std::fmt;
use std::str::FromStr;

/// One of several parts of a campaign: it takes each number whose rest, divided by `count`, is `index`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Which part, from 0.
    pub index: u64,
    /// How many there are.
    pub count: u64,
}

impl Shard {
    /// All of it.
    pub const WHOLE: Shard = Shard { index: 0, count: 1 };

    /// Whether a number is this shard's.
    pub const fn has(self, number: u64) -> bool {
        number % self.count == self.index
    }
}

/// Why it is not known which part is this process's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardError(String);

impl fmt::Display for ShardError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ShardError {}

impl FromStr for Shard {
    type Err = ShardError;

    /// Reads `2/8`: the third of eight.
    fn from_str(text: &str) -> Result<Shard, ShardError> {
        let parts = text.split_once('/').and_then(|(index, count)| Some((index.parse().ok()?, count.parse().ok()?)));
        let right = || ShardError(format!("{text:?} is no shard: write INDEX/COUNT, with INDEX from 0, as in 2/8"));
        let (index, count) = parts.ok_or_else(right)?;
        if index < count { Ok(Shard { index, count }) } else { Err(right()) }
    }
}

/// Where the variables of the environment are looked up.
pub type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

impl Shard {
    /// The shard that an engine has told by its variables, of `shards` if it does not tell how many there are;
    /// the whole if no engine has started this process.
    ///
    /// # Errors
    ///
    /// An engine tells which shard this is, and neither it nor `shards` how many there are; or what it tells makes
    /// no sense.
    pub fn of_environment(variable: Variables<'_>, shards: Option<u64>) -> Result<Shard, ShardError> {
        let number = |name: &str| -> Result<Option<u64>, ShardError> {
            let Some(text) = variable(name) else { return Ok(None) };
            let wrong = || ShardError(format!("{name} is {text:?}; it must be a number"));
            text.trim().parse().map(Some).map_err(|_| wrong())
        };
        let before = |value: u64, first: u64, name: &str| {
            value
                .checked_sub(first)
                .ok_or_else(|| ShardError(format!("{name} is {value}; it must be at least {first}")))
        };
        let slurm = number("SLURM_ARRAY_TASK_ID")?;
        let index = if let Some(index) = number("JOB_COMPLETION_INDEX")? {
            Some(("JOB_COMPLETION_INDEX", index))
        } else if let Some(task) = slurm {
            let first = number("SLURM_ARRAY_TASK_MIN")?.unwrap_or(0);
            Some(("SLURM_ARRAY_TASK_ID", before(task, first, "SLURM_ARRAY_TASK_ID")?))
        } else if let Some(sequence) = number("PARALLEL_SEQ")? {
            Some(("PARALLEL_SEQ", before(sequence, 1, "PARALLEL_SEQ")?))
        } else {
            None
        };
        let Some((name, index)) = index else {
            return match shards {
                None | Some(1) => Ok(Shard::WHOLE),
                Some(_) => Err(ShardError(
                    "--shards needs to know which shard this is: JOB_COMPLETION_INDEX, SLURM_ARRAY_TASK_ID or \
                     PARALLEL_SEQ tells it, or --shard INDEX/COUNT"
                        .to_owned(),
                )),
            };
        };
        let told = if slurm.is_some() { number("SLURM_ARRAY_TASK_COUNT")? } else { None };
        let count = told.or(shards).ok_or_else(|| {
            ShardError(format!("{name} says that this is shard {index}, but not of how many: give --shards N"))
        })?;
        if index < count {
            Ok(Shard { index, count })
        } else {
            Err(ShardError(format!("{name} says that this is shard {index}, counted from 0, of {count}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn of(variables: &[(&str, &str)], shards: Option<u64>) -> Result<(u64, u64), String> {
        let variable =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_string());
        let shard = Shard::of_environment(&variable, shards).map_err(|error| error.to_string())?;
        Ok((shard.index, shard.count))
    }

    #[rstest]
    #[case::nobody(&[], None, Ok((0, 1)))]
    #[case::kubernetes(&[("JOB_COMPLETION_INDEX", "3")], Some(8), Ok((3, 8)))]
    #[case::kubernetes_alone(&[("JOB_COMPLETION_INDEX", "3")], None,
        Err("JOB_COMPLETION_INDEX says that this is shard 3, but not of how many: give --shards N"))]
    #[case::slurm(&[("SLURM_ARRAY_TASK_ID", "12"), ("SLURM_ARRAY_TASK_MIN", "10"), ("SLURM_ARRAY_TASK_COUNT", "4")],
        None, Ok((2, 4)))]
    #[case::slurm_out_of_range(&[("SLURM_ARRAY_TASK_ID", "9"), ("SLURM_ARRAY_TASK_COUNT", "4")], None,
        Err("SLURM_ARRAY_TASK_ID says that this is shard 9, counted from 0, of 4"))]
    #[case::slurm_below(&[("SLURM_ARRAY_TASK_ID", "1"), ("SLURM_ARRAY_TASK_MIN", "2")], Some(4),
        Err("SLURM_ARRAY_TASK_ID is 1; it must be at least 2"))]
    #[case::parallel(&[("PARALLEL_SEQ", "1")], Some(4), Ok((0, 4)))]
    #[case::parallel_alone(&[("PARALLEL_SEQ", "1")], None,
        Err("PARALLEL_SEQ says that this is shard 0, but not of how many: give --shards N"))]
    #[case::no_number(&[("PARALLEL_SEQ", "x")], Some(4), Err("PARALLEL_SEQ is \"x\"; it must be a number"))]
    fn engines_tell(
        #[case] variables: &[(&str, &str)],
        #[case] shards: Option<u64>,
        #[case] expected: Result<(u64, u64), &str>,
    ) {
        assert_eq!(of(variables, shards), expected.map_err(str::to_owned));
    }

    #[test]
    fn by_hand() {
        assert_eq!("2/8".parse(), Ok(Shard { index: 2, count: 8 }));
        for wrong in ["8/8", "2", "a/b", "-1/2", "/", "0/0"] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn shards_share_the_numbers() {
        let shards = [0, 1, 2].map(|index| Shard { index, count: 3 });
        for number in 0..100 {
            assert_eq!(shards.iter().filter(|shard| shard.has(number)).count(), 1);
        }
    }
}
