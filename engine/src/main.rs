//! The program; see [`mite::cli`].

fn main() -> std::process::ExitCode {
    mite::cli::main()
}
