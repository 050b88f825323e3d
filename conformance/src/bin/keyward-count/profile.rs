//! Reads what callgrind wrote: how many instructions a module took, and how many of them in the cryptographic library.
//!
//! Callgrind's format lists for each function the calls that it makes, with the instructions that each took, callees
//! included (`cfn=` callee, `calls=`, then a line of position and cost). Two kinds of calls are summed:
//!
//! - from this program into the module: all that the C_ functions took;
//! - from a Rust function to one of AWS-LC's: what the primitives took. AWS-LC's exported functions have a prefix of
//!   their own and Rust's names have `::` in them, so calls inside of AWS-LC do not count again.
//!
//! Their difference is what keyward, SQLite, Rust's library and libc take around the primitives. It knows neither the
//! processor's features nor how many rounds a random nonce made a signature take.

use std::io::BufRead;

/// Instructions in one profile.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Instructions {
    /// In the module, with everything that it calls.
    pub module: u64,
    /// Of these, in AWS-LC and what it calls.
    pub primitive: u64,
}

/// Sums up a profile that was written with `--compress-strings=no --compress-pos=no`. `program` and `module` are the
/// paths of the two files.
pub fn read(profile: impl BufRead, program: &str, module: &str) -> Result<Instructions, String> {
    let mut sum = Instructions::default();
    let (mut object, mut callee_object) = (String::new(), None);
    let (mut caller, mut callee) = (String::new(), String::new());
    let mut call = false;
    for line in profile.lines() {
        let line = line.map_err(|error| error.to_string())?;
        if call {
            let cost = line.split(' ').nth(1).and_then(|cost| cost.parse().ok());
            let cost: u64 = cost.ok_or_else(|| format!("no cost of a call in {line:?}"))?;
            // An object that is not named is the caller's.
            let to = callee_object.take().unwrap_or_else(|| object.clone());
            if object == program && to == module {
                sum.module += cost;
            } else if caller.contains("::") && is_primitive(&callee) {
                sum.primitive += cost;
            }
            call = false;
        } else if let Some((key, value)) = line.split_once('=') {
            match key {
                "ob" => object = value.to_owned(),
                "cob" => callee_object = Some(value.to_owned()),
                "fn" => caller = value.to_owned(),
                "cfn" => callee = value.to_owned(),
                "calls" => call = true,
                _ => {}
            }
        }
    }
    Ok(sum)
}

fn is_primitive(name: &str) -> bool {
    name.strip_prefix("aws_lc_").is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_within_the_primitive_count_once() {
        let profile = "events: Ir\n\
            ob=/bin/driver\nfl=d.rs\nfn=driver::work\n12 5\n\
            cob=/lib/module.so\ncfi=f.rs\ncfn=keyward::C_Sign\ncalls=2 10\n12 1000\n\
            cob=/lib/libc.so\ncfn=malloc\ncalls=2 0\n12 70\n\
            ob=/lib/module.so\nfn=keyward::C_Sign\n10 100\n\
            cfn=aws_lc_0_1_0_SIGN\ncalls=2 0\n10 800\n\
            cfn=aws_lc_rs::digest\ncalls=2 0\n10 60\n\
            fn=aws_lc_0_1_0_SIGN\n0 300\n\
            cfn=aws_lc_0_1_0_MUL\ncalls=9 0\n0 500\n\
            fn=static_function_of_the_library\n0 1\ncfn=aws_lc_0_1_0_MUL\ncalls=9 0\n0 400\n";
        let sum = read(profile.as_bytes(), "/bin/driver", "/lib/module.so");
        assert_eq!(sum, Ok(Instructions { module: 1000, primitive: 800 }));
    }

    #[test]
    fn a_call_without_a_cost_is_an_error() {
        assert!(read("cfn=f\ncalls=1 0\nfn=g\n".as_bytes(), "", "").is_err());
    }
}
