import ArgumentParser

struct CompletionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "completion",
        abstract: "Print the script that completes Bulkhead's commands in a shell.",
        discussion: """
            EXAMPLES
              bulkhead completion bash > bulkhead.bash
              bulkhead completion zsh > _bulkhead
              bulkhead completion fish > bulkhead.fish
            """)

    enum Shell: String, ExpressibleByArgument, CaseIterable {
        case bash, zsh, fish
    }

    @Argument(help: "bash: source the script. zsh: put it into a folder of $fpath. fish: into ~/.config/fish/completions.")
    var shell: Shell

    func run() {
        let script =
            switch shell {
            case .bash: Bulkhead.completionScript(for: .bash)
            case .zsh: Bulkhead.completionScript(for: .zsh)
            case .fish: Bulkhead.completionScript(for: .fish)
            }
        Output.line(script)
    }
}
