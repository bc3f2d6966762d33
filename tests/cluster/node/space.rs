//! The Linux namespaces that a cluster lives in: network, mounts and processes of its own.

use std::fs;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::support::failure::{During, Failure, Outcome};
use crate::support::logs;
use crate::support::processes::ProcessGroup;
use crate::support::wait::wait_until;

/// The node's address, which nothing outside the namespaces reaches.
pub(crate) const NODE: Ipv4Addr = Ipv4Addr::new(10, 98, 0, 1);

/// The node's other address, which it names first.
pub(crate) const NODE_IPV6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x98, 0, 0, 0, 0, 0, 1);

/// Making namespaces and a bridge takes milliseconds.
const OPENED: Duration = Duration::from_secs(20);

/// Runs as the first process in the namespaces, with their folder as `$1` and the node's
/// addresses as `$2` and `$3`. Folders that programs of the node write to without being asked are
/// covered, so that nothing of it stays on the machine. So are the settings of the whole kernel
/// that the kubelet changes: it changes copies. At the end it collects what others leave behind,
/// as a first process must.
const FIRST: &str = r#"set -e
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/lib
mount -t tmpfs tmpfs /var/log
mkdir -p /run/netns /run/lock /run/settings
cd /proc/sys
for setting in vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops \
    kernel/keys/root_maxkeys kernel/keys/root_maxbytes; do
    [ -e "$setting" ] || continue
    copy=/run/settings/${setting##*/}
    cat "$setting" >"$copy"
    mount --bind "$copy" "$setting"
done
cd /
ip link set lo up
ip link add node type bridge
ip address add "$2/24" dev node
ip address add "$3/64" dev node nodad
ip link set node up
ip route add default dev node
echo 1 >/proc/sys/net/ipv4/ip_forward
: >"$1/open"
while :; do sleep 3600 & wait; done"#;

/// Open namespaces. All processes in them end with this value, at the latest with this process.
pub(crate) struct Space {
    /// Holds data, certificates, configuration and logs; removed at the end.
    pub(crate) folder: PathBuf,
    processes: Mutex<ProcessGroup>,
    /// The process that made the namespaces, and so names them under `/proc`.
    maker: u32,
}

impl Space {
    /// Opens new namespaces with a bridge that has the node's address.
    pub(crate) async fn open() -> Outcome<Self> {
        let folder = tempfile::Builder::new()
            .prefix("pillion-node-")
            .tempdir()
            .during("make a folder for the cluster")?
            .keep();
        let mut processes = ProcessGroup::new(&folder)?;
        for group in control_groups(&folder) {
            fs::create_dir(&group).during(&format!("make {}", group.display()))?;
        }
        let mut command = Command::new("unshare");
        command
            .args(["--net", "--mount", "--pid", "--fork", "--kill-child"])
            .args(["--mount-proc", "sh", "-c"])
            .args([FIRST, "first"])
            .arg(&folder)
            .args([NODE.to_string(), NODE_IPV6.to_string()]);
        let log = folder.join("namespaces.log");
        logs::write_to(&mut command, &log)?;
        let maker = processes.spawn("unshare", &mut command)?.id();
        let space = Self {
            folder,
            processes: Mutex::new(processes),
            maker,
        };
        let open = space.folder.join("open");
        wait_until("namespaces", OPENED, async || {
            if let Some(failure) = space.ended() {
                return Ok(Err(failure));
            }
            open.exists()
                .then_some(Ok(()))
                .ok_or_else(|| logs::tail(&log))
        })
        .await??;
        Ok(space)
    }

    /// The name of the control group (cgroup) of everything that the node runs.
    pub(crate) fn control_group(&self) -> String {
        let name = self.folder.file_name().unwrap_or_default();
        format!("/{}", name.display())
    }

    /// The control groups (cgroups) of this cluster: they are the machine's.
    pub(crate) fn control_groups(&self) -> Vec<PathBuf> {
        control_groups(&self.folder)
    }

    /// A namespace of this space, for example `net`, as a file under `/proc`.
    pub(crate) fn namespace(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/ns/{name}", self.maker))
    }

    /// A command that runs inside.
    pub(crate) fn inside(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        for (flag, name) in [
            ("net", "net"),
            ("mount", "mnt"),
            ("pid", "pid_for_children"),
        ] {
            let file = self.namespace(name);
            command.arg(format!("--{flag}={}", file.display()));
        }
        command.arg(program);
        command
    }

    /// Starts a command, which must be from [`Self::inside`], for as long as this space is open.
    pub(crate) fn start(&self, name: &str, command: &mut Command) -> Outcome {
        command.current_dir(&self.folder);
        logs::write_to(command, &self.log(name))?;
        self.processes().spawn(name, command).map(drop)
    }

    /// Kills the program of this name, and waits until it is gone.
    pub(crate) async fn kill(&self, name: &str) -> Outcome {
        let killed = self
            .inside("pkill")
            .args(["-KILL", "-x"])
            .arg(short(name))
            .status();
        let killed = killed.during(&format!("kill {name}"))?;
        if !killed.success() {
            return Err(Failure::new(format!("{name} does not run: {killed}")));
        }
        wait_until(&format!("the end of {name}"), OPENED, async || {
            let ended = self.processes().forget(name);
            ended.map(drop).ok_or_else(|| "it runs".to_owned())
        })
        .await
    }

    /// The first process that has ended, none of which should, with its last words.
    pub(crate) fn ended(&self) -> Option<Failure> {
        let mut processes = self.processes();
        let (name, status) = processes.ended()?;
        let tail = logs::tail(&self.log(name));
        let message = format!("{name} ended ({status}); its last lines:\n{tail}");
        Some(Failure::new(message))
    }

    fn processes(&self) -> MutexGuard<'_, ProcessGroup> {
        self.processes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the output of one program goes.
    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.log"))
    }
}

/// A program's name as the kernel keeps it: cut to fifteen characters.
fn short(name: &str) -> &str {
    name.get(..15).unwrap_or(name)
}

/// One group in each hierarchy: one on a machine with the unified one, else one for each
/// controller, links to them left out.
fn control_groups(folder: &Path) -> Vec<PathBuf> {
    let root = Path::new("/sys/fs/cgroup");
    let name = folder.file_name().unwrap_or_default();
    if root.join("cgroup.controllers").exists() {
        return vec![root.join(name)];
    }
    let entries = fs::read_dir(root).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path().join(name))
        .collect()
}
