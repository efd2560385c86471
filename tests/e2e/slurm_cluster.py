"""A private Slurm cluster on this host for tests: one controller, several node daemons that pretend to have many cores.

Loopback only, no systemd, no cgroups, nothing outside of its folder. Needs root and Debian's slurm-wlm and munge.
"""
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time

PROGRAMS = ("slurmctld", "slurmd", "munged", "sbatch", "squeue", "scontrol", "scancel", "sinfo")
CONF = """
ClusterName=assaytest
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
# A requeued job waits until its credential has expired: 5 s is the least that Slurm takes.
AuthInfo=socket={dir}/munge/socket,cred_expire=5
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation={dir}/state
SlurmdSpoolDir={dir}/spool.%n
SlurmctldPidFile={dir}/slurmctld.pid
SlurmdPidFile={dir}/slurmd.%n.pid
SlurmctldLogFile={dir}/log/slurmctld.log
SlurmdLogFile={dir}/log/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_min_interval=0,sched_interval=1,bf_interval=1,batch_sched_delay=0
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
# More cores than the host has: the kernel shares them out.
SlurmdParameters=config_overrides
ReturnToService=2
MinJobAge=300
MaxArraySize={array}
KillWait=2
{nodes}
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def missing():
    """What keeps a cluster from starting, or nothing."""
    if os.geteuid() != 0:
        return "needs root"
    absent = [p for p in PROGRAMS if shutil.which(p, path=os.environ["PATH"] + ":/usr/sbin:/sbin") is None]
    return f"needs {', '.join(absent)} (Debian: slurm-wlm, munge)" if absent else ""


def free_ports(count):
    """A range of free ports: another test's cluster may run beside this one."""
    for base in range(17000 + os.getpid() % 500 * 20, 30000, 20):
        try:
            for port in range(base, base + count):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
            return base
        except OSError:
            continue
    raise SystemExit("no free ports for a Slurm cluster")


class Cluster:
    """`with Cluster() as cluster`: up when entered, every daemon ended and the folder removed when left."""

    def __init__(self, nodes=2, cores=4, array=65):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="assay-slurm-"))
        self.names = [f"n{i}" for i in range(1, nodes + 1)]
        self.env = dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin", SLURM_CONF=str(self.folder / "slurm.conf"))
        for name in ("state", "log", "munge", *(f"spool.{n}" for n in self.names)):
            (self.folder / name).mkdir()
        for folder in (self.folder, *self.folder.iterdir()):
            folder.chmod(0o755)
        port, host = free_ports(nodes + 1), socket.gethostname().split(".")[0]
        lines = [f"NodeName={n} NodeHostname={host} NodeAddr=127.0.0.1 Port={port + 1 + i} CPUs={cores} RealMemory=64000 State=UNKNOWN"
                 for i, n in enumerate(self.names)]
        conf = CONF.format(host=host, port=port, dir=self.folder, nodes="\n".join(lines), array=array)
        (self.folder / "slurm.conf").write_text(conf)
        key = self.folder / "munge" / "key"
        key.touch(mode=0o600)
        key.write_bytes(os.urandom(1024))

    def call(self, *words, check=True):
        done = subprocess.run([str(w) for w in words], env=self.env, capture_output=True, text=True, timeout=120)
        if check and done.returncode != 0:
            raise SystemExit(f"{' '.join(map(str, words))}: exit {done.returncode}\n{done.stdout}{done.stderr}{self.logs()}")
        return done.stdout

    def logs(self):
        return "".join(f"== {f.name}\n{f.read_text()[-1500:]}\n" for f in sorted((self.folder / "log").glob("*.log")))

    def __enter__(self):
        try:
            m = self.folder / "munge"
            self.call("munged", f"--key-file={m}/key", f"--socket={m}/socket", f"--pid-file={m}/pid", f"--log-file={m}/log",
                      f"--seed-file={m}/seed", "--num-threads=2")
            self.call("slurmctld", "-c", "-f", self.env["SLURM_CONF"])
            for name in self.names:
                self.start_node(name)
            self.wait_idle()
        except BaseException:
            self.__exit__()
            raise
        return self

    def start_node(self, name):
        self.call("slurmd", "-f", self.env["SLURM_CONF"], "-N", name)

    def wait_idle(self):
        for _ in range(300):
            states = self.call("sinfo", "-h", "-N", "-o", "%T", check=False).split()
            if states == ["idle"] * len(self.names):
                return
            time.sleep(0.1)
        raise SystemExit(f"the cluster did not come up: {states}\n{self.logs()}")

    def tasks(self, state):
        """Array tasks in a state, as JOB_TASK."""
        out = self.call("squeue", "-h", "-r", "-t", state, "-o", "%i", check=False)
        return out.split()

    def __exit__(self, *_):
        self.call("scancel", "--user=root", check=False)
        pids = [*self.folder.glob("slurmd.*.pid"), self.folder / "slurmctld.pid", self.folder / "munge" / "pid"]
        for file in pids:
            try:
                pid = int(file.read_text())
                os.kill(pid, 15)
            except (OSError, ValueError):
                continue
            for _ in range(100):
                if not pathlib.Path(f"/proc/{pid}").exists():
                    break
                time.sleep(0.1)
            else:
                os.kill(pid, 9)
        shutil.rmtree(self.folder, ignore_errors=True)
