import Dataplane
import FlowLogs
import Logging
import PolicyModel

/// What the kernel saw, and what of all this a person should know.
extension EnforcementLoop {
    func readStatus() -> DataplaneStatus? {
        do {
            let status = try dataplane.status()
            problems.clear("dataplane status")
            return status
        } catch {
            problems.note("dataplane status", "\(error)", now: clock.now)
            return nil
        }
    }

    func poll(now: ContinuousClock.Instant, last: Bool) {
        if now >= nextPoll || last { drain() }
        if now >= nextMaintenance { maintain() }
        if now >= nextSweep || last { sweep(last: last) }
    }

    private func maintain() {
        let hasMore = dataplane.maintain { repairs.append($0) }
        // Only the mailbox and the events are looked into before the rest.
        nextMaintenance = hasMore ? clock.now : clock.now + configuration.flowWindow
        guard !hasMore else { return }
        if repairs.isEmpty {
            problems.clear("hooks")
        } else {
            problems.note("hooks", repairs.joined(separator: "; "), now: clock.now)
            repairs = []
        }
    }

    func drain() {
        var hasMore = false
        do {
            hasMore = try dataplane.drainEvents { event in
                aggregator.add(event, resolve: addresses.endpoint(of:))
                log(event)
            }
            problems.clear("connection events")
        } catch {
            problems.note("connection events", "\(error)", now: clock.now)
        }
        // Only the mailbox is looked into before the rest.
        nextPoll = hasMore ? clock.now : clock.now + configuration.pollInterval
    }

    private func log(_ event: ConnectionEvent) {
        let line = ruleLog.line(for: event, peer: addresses.endpoint(of: event.flow.peer), now: clock.now)
        guard let line else { return }
        for _ in 0..<line.times where !outlets.ruleLog(line.text) { ruleLog.takeBack() }
        reportChanged = true
    }

    /// Reads a portion of the flow table; after the last one the window ends.
    ///
    /// - Parameter last: all of it.
    private func sweep(last: Bool) {
        let start = clock.now
        let isWhole = readFlows(all: last)
        let now = clock.now
        sweepDuration += start.duration(to: now)
        // Only the mailbox and the events are looked into before the rest.
        nextSweep = isWhole ? now + max(configuration.flowWindow, sweepDuration * NodeAgentLimits.sweepShare) : now
        guard isWhole else { return }
        sweepDuration = .zero
        // What happened before the end of the window belongs to it.
        drain()
        finishWindow(now: now)
    }

    /// Whether there is nothing more to read.
    private func readFlows(all: Bool) -> Bool {
        // No program, no flows of ours: those of the process before are reported once the world is known.
        guard lastReport != nil else { return true }
        do {
            var hasMore: Bool
            repeat {
                hasMore = try dataplane.sweepFlows(includingQuiet: aggregator.missesQuietFlows) {
                    aggregator.add($0, resolve: addresses.endpoint(of:))
                }
            } while all && hasMore
            guard !hasMore else { return false }
            problems.clear("flow table")
        } catch {
            problems.note("flow table", "\(error)", now: clock.now)
        }
        return true
    }

    private func finishWindow(now: ContinuousClock.Instant) {
        if lastReport != nil {
            var records = aggregator.finishWindow(
                at: KernelClock.boottime(), wallClockOffset: KernelClock.wallClockOffset())
            for index in records.indices {
                records[index].sourceLabels = labels(of: records[index].source)
                records[index].destinationLabels = labels(of: records[index].destination)
            }
            if !records.isEmpty { outlets.flows(records) }
        }
        mirror.forgetDeparted()
        if aggregator.overflow != publishedOverflow {
            publishedOverflow = aggregator.overflow
            reportChanged = true
        }
        if let count = ruleLog.newlyLeftOut() {
            logger.warning("log rules: \(count) lines were left out, there were too many at a time")
        }
        collectContainers(now: now)
    }

    private func labels(of key: EndpointKey?) -> [String: String]? {
        key.flatMap { labels.labels(of: $0, in: mirror.world, departed: mirror.departed) }
    }

    /// An address that another container gets must not bring the identity of the one before, so an endpoint whose
    /// container went away unnoticed goes too.
    func collectContainers(now: ContinuousClock.Instant) {
        var missing: [EndpointKey: ContinuousClock.Instant] = [:]
        for (endpoint, _) in local.all where links[endpoint.interfaceName] == nil {
            guard let container = mirror.containers[endpoint.key] else { continue }
            let since = missingSince[endpoint.key] ?? now
            missing[endpoint.key] = since
            if since.duration(to: now) >= configuration.containerGracePeriod {
                outlets.removeEndpoint(endpoint.key, container.revision)
            }
        }
        missingSince = missing
    }

    func warnings() -> [String] {
        var warnings: [String] = []
        if let applyFailure { warnings.append("The last change is not in force, the policy before is: \(applyFailure)") }
        warnings += outerProblems.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
        let undecodable = mirror.undecodable.map { (Self.name($0.key), $0.value) }.sorted { $0.0 < $1.0 }
        warnings += undecodable.prefix(NodeAgentLimits.reportedWarnings).map { name, unreadable in
            "\(name) cannot be read, \(Self.sentence(unreadable))"
        }
        if undecodable.count > NodeAgentLimits.reportedWarnings {
            warnings.append("\(undecodable.count) objects in all cannot be read.")
        }
        warnings += addresses.shared.prefix(NodeAgentLimits.reportedWarnings).map { address, keys in
            "\(address) is claimed by \(keys.map(\.description).joined(separator: " and ")): it has the labels of all of them."
        }
        let overflow = aggregator.overflow
        if overflow.untrackedReports > 0 || overflow.unrecordedDenials > 0 {
            warnings.append(
                "Flow records are incomplete: \(overflow.untrackedReports) reports of connections and "
                    + "\(overflow.unrecordedDenials) denied packets found no room.")
        }
        if ruleLog.leftOut > 0 {
            warnings.append("\(ruleLog.leftOut) lines of Log rules were left out: there were too many at a time.")
        }
        return warnings
    }

    /// After "cannot be read, ".
    static func sentence(_ unreadable: WorldMirror.Unreadable) -> String {
        let instead =
            switch unreadable.substitute {
            case .earlierVersion: "its last good version stays in force"
            case .nothing: "and no version of it ever could: it is left out"
            case .safeVerdict: "and no good version is known: what it could forbid is denied"
            }
        return "\(instead): \(unreadable.message)"
    }
}
