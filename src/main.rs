//! Parses the command line, runs the verb, prints the error, sets the exit code.

fn main() -> std::process::ExitCode {
    kata_artifacts::cli::main()
}
