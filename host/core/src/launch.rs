//! Other programs: the one place that starts them. Each begins with an empty environment and under
//! limits of the system, which hold whatever it is given to read, and it ends with the task that
//! waits for it.

use std::ffi::OsStr;
use std::io;
use std::process::Stdio;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::process::Command;

/// The most bytes of a file that it writes: none of them is to write any.
const FILE: u64 = 16 << 20;

/// What a program may use up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaunchBounds {
    /// Memory that it may write to.
    pub memory_mib: u64,
    /// Time of all processors.
    pub seconds: u64,
}

/// A program within `bounds`, with pipes for all that it reads and says. What it is to find in its
/// environment is for the caller to add.
pub fn command(program: impl AsRef<OsStr>, bounds: LaunchBounds) -> Command {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that starts programs"
    )]
    let mut command = Command::new(program);
    command
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    bound(&mut command, bounds);
    command
}

#[expect(
    unsafe_code,
    reason = "limits are a process's own to set, between its beginning and its program's"
)]
fn bound(command: &mut Command, bounds: LaunchBounds) {
    // SAFETY: between fork and exec it makes calls of the system and nothing else: it takes no
    // lock and no memory.
    unsafe { command.pre_exec(move || set(bounds)) };
}

/// Set the limits of this process, for good; and none of its memory is left on the disk.
fn set(bounds: LaunchBounds) -> io::Result<()> {
    // Where address space is only reserved, as for the stacks of threads and for files that are
    // only read, Linux does not count it.
    let memory = if cfg!(target_os = "linux") {
        Resource::Data
    } else {
        Resource::As
    };
    for (resource, most) in [
        (memory, bounds.memory_mib << 20),
        (Resource::Cpu, bounds.seconds),
        (Resource::Fsize, FILE),
        (Resource::Core, 0),
    ] {
        // The process may have a lower maximum already, which it may not raise.
        let most = getrlimit(resource)
            .maximum
            .map_or(most, |given| given.min(most));
        let limit = Rlimit {
            current: Some(most),
            maximum: Some(most),
        };
        setrlimit(resource, limit)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_program_has_its_limits_and_nothing_of_ours() {
        let bounds = LaunchBounds {
            memory_mib: 100,
            seconds: 7,
        };
        let mut command = command("/bin/sh", bounds);
        command.args(["-c", "ulimit -d; ulimit -t; ulimit -c; echo $HOME"]);
        let output = command.output().await.expect("a shell");
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(told, "102400\n7\n0\n\n");
    }
}
