//! What rows need a fresh process for: this program again, `--errand NAME FILE PARAMETERS NUMBER`.
//!
//! The process prints one line: a number, or what went wrong.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use keyward_conformance::ck::*;
use keyward_conformance::token::{LABEL, USER_PIN};
use keyward_conformance::{Attr, Kind, Module, Object, RW, Rv, Session};

use crate::fault::Fault;
use crate::shown::float;
use crate::signatures::sign_once;
use crate::worker::{id, store_pair};

/// What a process is started for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Errand {
    /// To sign with the pair of that number, from dlopen to C_Finalize.
    Sign,
    /// To read and use every object; the MiB that this process has grown by since before dlopen.
    Touch,
    /// To store so many pairs, without waiting for the disk where the module allows it.
    Fill,
    /// To store the pair of that number.
    Make,
    /// To store pairs for so many milliseconds, when told to begin; how many per second.
    Produce,
    /// The same without a module: transactions on the SQLite file.
    #[cfg(feature = "bare")]
    Sqlite,
    /// To end at once.
    #[cfg(feature = "bare")]
    Nothing,
}

impl Errand {
    const ALL: &[Self] = &[
        Self::Sign,
        Self::Touch,
        Self::Fill,
        Self::Make,
        Self::Produce,
        #[cfg(feature = "bare")]
        Self::Sqlite,
        #[cfg(feature = "bare")]
        Self::Nothing,
    ];

    /// The process for it. The environment, which configures some modules, is this one's.
    pub fn command(self, file: &Path, reserved: Option<&str>, number: usize) -> Result<Command, Fault> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--errand", &format!("{self:?}")]).arg(file);
        command.args([reserved.unwrap_or_default(), &number.to_string()]);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        Ok(command)
    }

    fn run(self, order: &Order) -> Result<f64, Fault> {
        match self {
            Self::Sign => order.sign(),
            Self::Touch => order.touch(),
            Self::Fill => order.fill(),
            Self::Make => order.make(),
            Self::Produce => {
                let (_module, session) = order.open("")?;
                let mut number = usize::try_from(std::process::id())? * 1_000_000_000;
                produce(order.number, || {
                    number += 1;
                    Ok(store_pair(&session, number).map(drop)?)
                })
            }
            #[cfg(feature = "bare")]
            Self::Sqlite => {
                let mut file = crate::bare::sqlite::File::open(&order.file)?;
                produce(order.number, || file.insert_pair())
            }
            #[cfg(feature = "bare")]
            Self::Nothing => Ok(0.0),
        }
    }
}

/// Runs the errand that the arguments name; prints its line.
pub fn run(arguments: &[String]) -> Result<(), String> {
    let (errand, order) = Order::parse(arguments).ok_or("an errand is NAME FILE PARAMETERS NUMBER")?;
    let line = match errand.run(&order) {
        Ok(number) => number.to_string(),
        Err(Fault(reason)) => reason,
    };
    writeln!(std::io::stdout(), "{line}").map_err(|error| error.to_string())
}

/// The line of a finished process.
pub fn ask(mut command: Command) -> Result<f64, Fault> {
    answer(&mut Started::new(&mut command)?)
}

/// Starts processes, each when the one before is ready, then lets them begin at once; the sum of their answers.
pub fn together(commands: Vec<Command>) -> Result<f64, Fault> {
    let mut started = Vec::new();
    for mut command in commands {
        let mut process = Started::new(command.stdin(Stdio::piped()))?;
        let line = process.line()?;
        if line != READY {
            return Err(Fault(line));
        }
        started.push(process);
    }
    for process in &mut started {
        drop(process.child.stdin.take());
    }
    started.iter_mut().map(answer).sum()
}

fn answer(process: &mut Started) -> Result<f64, Fault> {
    let line = process.line()?;
    process.child.wait()?;
    line.parse().map_err(|_| Fault(if line.is_empty() { "the process died".to_owned() } else { line }))
}

/// A process that does not outlive its owner.
struct Started {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
}

impl Started {
    fn new(command: &mut Command) -> Result<Self, Fault> {
        let mut child = command.spawn()?;
        let lines = BufReader::new(child.stdout.take().ok_or("the process has no output")?);
        Ok(Self { child, lines })
    }

    fn line(&mut self) -> Result<String, Fault> {
        let mut line = String::new();
        self.lines.read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const READY: &str = "ready";

/// Says that it is ready, waits until standard input ends, and works for so many milliseconds; works per second.
fn produce(millis: usize, mut work: impl FnMut() -> Result<(), Fault>) -> Result<f64, Fault> {
    work()?;
    writeln!(std::io::stdout(), "{READY}")?;
    std::io::stdin().lock().read_line(&mut String::new())?;
    let (duration, start, mut done) = (Duration::from_millis(u64::try_from(millis)?), Instant::now(), 0);
    while done == 0 || start.elapsed() < duration {
        work()?;
        done += 1;
    }
    Ok(float(done) / start.elapsed().as_secs_f64())
}

/// What the arguments say.
struct Order {
    file: PathBuf,
    reserved: Option<String>,
    number: usize,
}

impl Order {
    fn parse(arguments: &[String]) -> Option<(Errand, Self)> {
        let [name, file, reserved, number] = arguments else { return None };
        let errand = Errand::ALL.iter().find(|errand| format!("{errand:?}") == *name)?;
        let reserved = Some(reserved.clone()).filter(|text| !text.is_empty());
        Some((*errand, Self { file: file.into(), reserved, number: number.parse().ok()? }))
    }

    /// The module, initialized, and a session of the user; `extra` goes into pReserved where there is one.
    fn open(&self, extra: &str) -> Result<(Module, Session), Fault> {
        let module = Module::load(&self.file)?;
        let reserved = self.reserved.as_ref().map(|text| format!("{text} {extra}"));
        module.initialize(reserved.as_deref())?;
        let slot = module.slot_of(LABEL)?.ok_or(Rv(CKR_TOKEN_NOT_PRESENT))?;
        let session = module.open_session(slot, RW)?;
        session.login(CKU_USER, USER_PIN)?;
        Ok((module, session))
    }

    fn sign(&self) -> Result<f64, Fault> {
        let (module, session) = self.open("")?;
        let found = session.find(&[Attr::class(CKO_PRIVATE_KEY), Attr::id(&id(self.number))])?;
        sign_once(&session, found.first().copied().ok_or(Rv(CKR_OBJECT_HANDLE_INVALID))?)?;
        drop(session);
        module.finalize()?;
        Ok(0.0)
    }

    fn touch(&self) -> Result<f64, Fault> {
        let before = resident()?;
        let (module, session) = self.open("")?;
        // A session of its own: some modules run one operation per session, searches included.
        let user = module.open_session(session.info()?.slotID, RW)?;
        each(&session, CKO_PUBLIC_KEY, |key| user.get(key, CKA_LABEL).map(drop))?;
        each(&session, CKO_PRIVATE_KEY, |key| sign_once(&user, key))?;
        let grown = resident()? - before;
        drop((user, session));
        module.finalize()?;
        Ok(grown)
    }

    fn fill(&self) -> Result<f64, Fault> {
        let lax = if Kind::guess(&self.file) == Kind::Keyward { "soft.synchronous=normal" } else { "" };
        let (module, session) = self.open(lax)?;
        for number in 0..self.number {
            store_pair(&session, number)?;
        }
        drop(session);
        module.finalize()?;
        Ok(0.0)
    }

    fn make(&self) -> Result<f64, Fault> {
        let (module, session) = self.open("")?;
        store_pair(&session, self.number)?;
        drop(session);
        module.finalize()?;
        Ok(0.0)
    }
}

/// Does `work` with every object of a class, page by page, so that the handles need no memory to speak of.
fn each(
    session: &Session,
    class: CK_OBJECT_CLASS,
    work: impl Fn(Object) -> Result<(), Rv>,
) -> Result<(), Rv> {
    session.find_init(&[Attr::class(class)])?;
    loop {
        let page = session.find_next(64)?;
        if page.is_empty() {
            return session.find_final();
        }
        page.into_iter().try_for_each(&work)?;
    }
}

/// This process's resident memory in MiB.
fn resident() -> Result<f64, Fault> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS here")?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib / 1024.0)
}
