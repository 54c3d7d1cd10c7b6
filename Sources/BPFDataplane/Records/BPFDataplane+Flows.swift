import CBPF
import Dataplane
import PolicyModel

/// What the kernel tells of connections.
extension BPFDataplane {
    @discardableResult
    public func drainEvents(_ body: (ConnectionEvent) -> Void) throws -> Bool {
        settle()
        let records = kernel.events.drain(limit: KernelLimits.reportsPerDrain) { record in
            guard record.count >= MemoryLayout<bulkhead_event>.size else { return }
            if record[Self.kindOffset] == UInt8(BULKHEAD_EVENT_DENIED) {
                denials.add(record)
                return
            }
            let event = record.loadUnaligned(as: bulkhead_event.self)
            let closed =
                record.count >= MemoryLayout<bulkhead_closed_event>.size
                ? record.loadUnaligned(as: bulkhead_closed_event.self) : nil
            if let event = connectionEvent(event, closed) { body(event) }
        }
        denials.take { sum in if let event = denial(sum) { body(event) } }
        return records == KernelLimits.reportsPerDrain
    }

    private static let kindOffset = MemoryLayout<bulkhead_event>.offset(of: \.kind) ?? 0

    /// nil for an interface that is not ours any more.
    private func connectionEvent(_ event: bulkhead_event, _ closed: bulkhead_closed_event?) -> ConnectionEvent? {
        guard let kind = ConnectionEvent.Kind(rawValue: event.kind), let flow = identity(event) else { return nil }
        let counters = closed.map {
            FlowCounters(packetsOut: $0.packets_out, bytesOut: $0.bytes_out, packetsIn: $0.packets_in, bytesIn: $0.bytes_in)
        }
        return ConnectionEvent(
            kind: kind, timestamp: event.timestamp, flow: flow, decision: decisions.source(outcome: event.outcome),
            counters: counters ?? FlowCounters(), observed: event.observed != 0, created: closed?.created)
    }

    /// nil for an interface that is not ours any more.
    private func denial(_ sum: DenialTally.Sum) -> ConnectionEvent? {
        let event = sum.event
        guard let flow = identity(event) else { return nil }
        let counters =
            event.reply == 0
            ? FlowCounters(packetsOut: sum.packets, bytesOut: sum.bytes)
            : FlowCounters(packetsIn: sum.packets, bytesIn: sum.bytes)
        return ConnectionEvent(
            kind: .denied, timestamp: event.timestamp, flow: flow, decision: decisions.source(outcome: event.outcome),
            counters: counters, observed: event.observed != 0, until: sum.until, reports: sum.reports)
    }

    private func identity(_ event: bulkhead_event) -> FlowIdentity? {
        identity(event.key, UInt32(event.direction) == UInt32(BULKHEAD_EGRESS) ? .egress : .ingress, event.type_code)
    }

    private func identity(_ key: bulkhead_flow_key, _ direction: Direction, _ typeAndCode: UInt16) -> FlowIdentity? {
        guard let endpoint = slots.endpoint(slot: key.slot),
            let tuple = key.tuple(direction: direction, typeAndCode: typeAndCode)
        else { return nil }
        return FlowIdentity(endpoint: endpoint, direction: direction, tuple: tuple)
    }

    public func sweepFlows(includingQuiet: Bool, _ body: (FlowSnapshot) -> Void) throws -> Bool {
        settle()
        var sweep = try self.sweep ?? beginSweep(includingQuiet: includingQuiet)
        // What fails begins anew.
        self.sweep = nil
        if !sweep.isAtHalfOpen {
            if try !walk(kernel.flows, &sweep, body) { try sweep.goOnWithHalfOpen(cameAndStayed: cameAndStayed()) }
        } else if try !walk(kernel.halfOpen, &sweep, body) {
            end(sweep)
            return false
        }
        self.sweep = sweep
        return true
    }

    private func beginSweep(includingQuiet: Bool) throws -> FlowSweep {
        FlowSweep(
            began: configuration.bootTime(), before: lastSweep, gone: slots.gone(graced: grace.completed),
            includingQuiet: includingQuiet)
    }

    private func end(_ sweep: FlowSweep) {
        flowCounts = (sweep.confirmed, sweep.count)
        let absent = sweep.cameAndStayed - Int64(sweep.count + sweep.removed)
        flowsForgotten = max(flowsForgotten, UInt64(max(0, absent)))
        addSwept(sweep.removed)
        slots.recycle(sweep.gone)
        lastSweep = sweep.began &- UInt64(BULKHEAD_CLOCK_LAG)
    }

    /// Read before the walk: what comes during it is seen there, and never counted as forgotten.
    private func cameAndStayed() throws -> Int64 {
        Int64(
            bitPattern: try kernel.counters.total(UInt32(BULKHEAD_COUNTER_HALF_OPENED.rawValue))
                &- kernel.counters.total(UInt32(BULKHEAD_COUNTER_HALF_LEFT.rawValue))
                &- kernel.meta.load(Int(BULKHEAD_META_HALF_OPEN_SWEPT.rawValue)))
    }

    /// Returns whether there is more. An entry that a packet revives between our look and its removal is made anew by its next
    /// packet.
    private func walk(
        _ table: borrowing HashMapHandle<bulkhead_flow_key, bulkhead_flow>, _ sweep: inout FlowSweep,
        _ body: (FlowSnapshot) -> Void
    ) throws -> Bool {
        let now = configuration.bootTime()
        var expired: [bulkhead_flow_key] = []
        var cursor = sweep.cursor
        let hasMore = try table.next(&cursor) { key, flow in
            let isExpired = sweep.isExpired(key, flow, now: now)
            if isExpired { expired.append(key) } else { sweep.count += 1 }
            guard isExpired || sweep.isNews(flow) else { return }
            let flags = UInt32(truncatingIfNeeded: flow.word >> 32)
            let direction: Direction = flags & BULKHEAD_FLOW_EGRESS != 0 ? .egress : .ingress
            guard let identity = identity(key, direction, flow.type_code) else { return }
            body(
                FlowSnapshot(
                    flow: identity, decision: decisions.source(outcome: flow.outcome),
                    counters: FlowCounters(
                        packetsOut: flow.packets_out, bytesOut: flow.bytes_out, packetsIn: flow.packets_in,
                        bytesIn: flow.bytes_in),
                    created: flow.created, lastSeen: flow.last_seen, removed: isExpired))
        }
        sweep.cursor = cursor
        for key in expired where try table.delete(key) { sweep.removed += 1 }
        return hasMore
    }

    private func addSwept(_ number: Int) {
        let index = Int(BULKHEAD_META_HALF_OPEN_SWEPT.rawValue)
        kernel.meta.store(kernel.meta.load(index) &+ UInt64(number), at: index)
    }

    public func status() throws -> DataplaneStatus {
        settle()
        var counts: [SystemReason: UInt64] = [:]
        for reason in SystemReason.allCases {
            let count = try kernel.counters.total(reason.rawValue)
            if count > 0 { counts[reason] = count }
        }
        var maps = state.fill.map { DataplaneStatus.MapFill(name: $0.name, used: $0.used, capacity: $0.capacity) }
        maps.append(.init(name: "slots", used: slots.policed.count, capacity: slots.capacity))
        maps.append(.init(name: "flows", used: flowCounts.confirmed, capacity: kernel.flows.capacity))
        maps.append(.init(name: "half_open", used: flowCounts.halfOpen, capacity: kernel.halfOpen.capacity))
        var status = DataplaneStatus(
            revision: revision, policed: slots.policed.compactMapValues(\.attachment), maps: maps, systemCounts: counts,
            eventsLost: try kernel.counters.total(UInt32(BULKHEAD_COUNTER_EVENTS_LOST.rawValue)),
            flowsForgotten: flowsForgotten, warnings: warnings())
        status.observing = kernel.meta.load(Int(BULKHEAD_META_OBSERVE.rawValue)) != 0
        return status
    }
}
