/// Says when the write-ahead log is to be carried over into the file.
///
/// That takes two syncs. SQLite would do it inside the commit that makes the log long, and all that depends on that commit would wait
/// for it: it is done between commits, when nobody waits if that can be.
struct CheckpointPlan {
    private var commits = 0
    private var bytes = 0

    /// After a commit. `bytes`: of its objects.
    mutating func add(bytes: Int) {
        commits += 1
        self.bytes += bytes
    }

    /// Whether it is time; asking takes it as done.
    ///
    /// - Parameter isIdle: no write waits.
    mutating func take(isIdle: Bool) -> Bool {
        let patience = isIdle ? 1 : StoreLimits.checkpointPatience
        guard commits >= StoreLimits.commitsPerCheckpoint * patience || bytes >= StoreLimits.bytesPerCheckpoint * patience else {
            return false
        }
        commits = 0
        bytes = 0
        return true
    }
}
