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
        if now >= nextSweep || last { sweep() }
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

    func sweep() {
        let start = clock.now
        let overflow = aggregator.overflow
        // No program, no flows of ours: those of the process before are reported once the world is known.
        if lastReport != nil {
            do {
                try dataplane.sweepFlows { aggregator.add($0, resolve: addresses.endpoint(of:)) }
                problems.clear("flow table")
            } catch {
                problems.note("flow table", "\(error)", now: start)
            }
            var records = aggregator.finishWindow(
                at: KernelClock.boottime(), wallClockOffset: KernelClock.wallClockOffset())
            for index in records.indices {
                records[index].sourceLabels = labels(of: records[index].source)
                records[index].destinationLabels = labels(of: records[index].destination)
            }
            if !records.isEmpty { outlets.flows(records) }
        }
        mirror.forgetDeparted()
        if aggregator.overflow != overflow { reportChanged = true }
        if let count = ruleLog.newlyLeftOut() {
            logger.warning("log rules: \(count) lines were left out, there were too many at a time")
        }
        collectContainers(now: start)
        let duration = start.duration(to: clock.now)
        nextSweep = clock.now + max(configuration.flowWindow, duration * NodeAgentLimits.sweepShare)
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
