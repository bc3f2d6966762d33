//! Processes that surely end when the test does.
//!
//! `Drop` is not enough: statics are never dropped, and a killed test runs nothing at
//! all. So each set of processes is one process group whose leader is a small shell that
//! waits for the end of its standard input. Only this process holds the other end of that
//! pipe; when it is gone, for whatever reason, the kernel closes it and the shell kills
//! the group. A second shell, outside the group, then removes the folder of the data.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use super::failure::{During, Failure, Outcome};

/// Ends its own process group, itself included, at the end of its input.
const LEADER: &str = "cat >/dev/null; kill -KILL 0";

/// Removes folder `$2` at the end of its input, once group `$1` is gone, and the control groups
/// that are named after it. The bound is for machines whose first process does not collect
/// orphans: those stay visible for ever; and a control group is busy until its last process is
/// really gone.
const JANITOR: &str = r#"cat >/dev/null
tries=50
while [ "$tries" -gt 0 ] && kill -s 0 -- "-$1" 2>/dev/null; do sleep 0.1; tries=$((tries - 1)); done
tries=50
for group in "/sys/fs/cgroup/${2##*/}" /sys/fs/cgroup/*/"${2##*/}"; do
    while [ "$tries" -gt 0 ] && [ -d "$group" ]; do
        find "$group" -depth -type d -exec rmdir {} \; && break
        sleep 0.1
        tries=$((tries - 1))
    done
done
rm -rf -- "$2""#;

/// A process group that ends with this value, and at the latest with this process.
#[derive(Debug)]
pub(crate) struct ProcessGroup {
    leader: Child,
    janitor: Child,
    members: Vec<(String, Child)>,
}

impl ProcessGroup {
    /// An empty group; `folder` is removed after its end, with the control groups (cgroups) of
    /// the same name that its processes may have made.
    pub(crate) fn new(folder: &Path) -> Outcome<Self> {
        let leader = shell(LEADER)
            .spawn()
            .during("start `sh`, which ends the processes of a test")?;
        let janitor = shell(JANITOR)
            .arg("janitor")
            .arg(leader.id().to_string())
            .arg(folder)
            .spawn()
            .during("start `sh`, which removes the folder of a test")?;
        Ok(Self {
            leader,
            janitor,
            members: Vec::new(),
        })
    }

    /// Starts `command` inside the group, with nothing on its standard input.
    pub(crate) fn spawn(&mut self, name: &str, command: &mut Command) -> Outcome<&mut Child> {
        let group = i32::try_from(self.leader.id()).during("read a process id")?;
        let child = command
            .process_group(group)
            .stdin(Stdio::null())
            .spawn()
            .during(&format!(
                "start {name} ({})",
                command.get_program().display()
            ))?;
        let (_, child) = self.members.push_mut((name.to_owned(), child));
        Ok(child)
    }

    /// The first member that has ended, with its name and status.
    pub(crate) fn ended(&mut self) -> Option<(&str, ExitStatus)> {
        self.members.iter_mut().find_map(|(name, child)| {
            let status = child.try_wait().ok().flatten()?;
            Some((name.as_str(), status))
        })
    }

    /// Kills a member, waits for its end, and knows it no more.
    pub(crate) fn kill(&mut self, name: &str) -> Outcome {
        let is_meant = |(member, _): &(String, Child)| member == name;
        let place = self.members.iter().position(is_meant);
        let place = place.ok_or_else(|| Failure::new(format!("there is no {name} to kill")))?;
        let (_, mut child) = self.members.remove(place);
        child.kill().during(&format!("kill {name}"))?;
        child.wait().map(drop).during(&format!("wait for {name}"))
    }

    /// Waits for the end of a member that was told to end, and knows it no more.
    pub(crate) fn forget(&mut self, name: &str) -> Option<ExitStatus> {
        let is_meant = |(member, _): &(String, Child)| member == name;
        let place = self.members.iter().position(is_meant)?;
        let (_, child) = self.members.get_mut(place)?;
        let status = child.try_wait().ok().flatten()?;
        self.members.remove(place);
        Some(status)
    }

    /// The process id of the leader, which is the id of the group.
    pub(crate) fn id(&self) -> u32 {
        self.leader.id()
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        // Closing the pipe ends the leader and with it the group. The members are waited
        // for so that no zombie stays; nothing can be done about an error here.
        drop(self.leader.stdin.take());
        let _ = self.leader.wait();
        for (_, member) in &mut self.members {
            let _ = member.wait();
        }
        drop(self.janitor.stdin.take());
        let _ = self.janitor.wait();
    }
}

/// A shell in a process group of its own, so that Ctrl-C on a terminal does not reach it
/// before the test.
fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", script])
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}
