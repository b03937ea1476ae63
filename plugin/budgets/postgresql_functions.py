"""The SQL engine's operations as a function of PostgreSQL: a batch is one question and one answer.

It does what sqlite_operations.py does, by the rules of arithmetic.py; one contract test runs on
both. It belongs to the connection (`pg_temp`), so that every process has that of its own version.

Locks are taken in one order by everybody: reservations by their ids, then counters by their keys;
overdue reservations that somebody else has in hand are left to them. Counters that are only looked
at are not locked. The counters of a batch are read once, changed in arrays, and written once. A sum
that could pass 64 bits is made as `numeric`. A batch ends 100 overdue reservations and forgets 100
old ones.
"""

_DECLARE = """
CREATE OR REPLACE FUNCTION pg_temp.gatepass_do(
    operations jsonb, mode text, charging boolean, now_s bigint, at_us bigint, timeout_us bigint
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    most CONSTANT numeric := 9223372036854775807;
    ids text[]; overdue text[];
    a_names text[]; a_spent bigint[]; a_held bigint[]; a_since bigint[]; a_ends bigint[];
    a_defined text[]; a_changed boolean[]; place jsonb;
    answers jsonb[] := '{}'; answer jsonb; o jsonb; l jsonb; kind text;
    r budget_reservations; known boolean; booked boolean; late boolean; outcome_word text;
    n int; i int; amount bigint; room numeric; charged bigint[];
    at_i int[]; c_spent bigint; c_held bigint; c_since bigint; c_ends bigint; c_defined text;
    counts jsonb; a_holds jsonb; a_charges jsonb; new_held bigint[]; new_spent bigint[];
    new_since bigint[]; new_ends bigint[]; new_defined text[];
BEGIN
"""

_LOCK = """
    ids := ARRAY(SELECT DISTINCT e->>'id' FROM jsonb_array_elements(operations) e WHERE e ? 'id');
    PERFORM 1 FROM budget_reservations
        WHERE request_id = ANY(ids) ORDER BY request_id FOR UPDATE;
    overdue := ARRAY(
        SELECT request_id FROM budget_reservations WHERE state = 'open' AND deadline <= at_us
            AND request_id <> ALL(ARRAY(SELECT e->>'id' FROM jsonb_array_elements(operations) e
                WHERE e->>'do' = 'withdraw'))
        ORDER BY deadline, request_id LIMIT 100 FOR UPDATE SKIP LOCKED);
    -- for the lock: its window is over, so that the first to reserve begins one
    INSERT INTO budget_counters (counter, definition, since, ends_at, spent, reserved)
        SELECT DISTINCT e_l->>0, '', 0, 0, 0, 0
        FROM jsonb_array_elements(operations) e, jsonb_array_elements(e->'limits') e_l
        WHERE e->>'do' = 'reserve' ORDER BY 1
        ON CONFLICT (counter) DO NOTHING;
    SELECT array_agg(c.counter), array_agg(c.spent), array_agg(c.reserved), array_agg(c.since),
            array_agg(c.ends_at), array_agg(c.definition)
        INTO a_names, a_spent, a_held, a_since, a_ends, a_defined
        FROM (SELECT * FROM budget_counters WHERE counter = ANY(ARRAY(
            SELECT e_l->>0
                FROM jsonb_array_elements(operations) e, jsonb_array_elements(e->'limits') e_l
                WHERE e->>'do' = 'reserve'
            UNION
            SELECT h->>0 FROM budget_reservations b, jsonb_array_elements(b.holds::jsonb) h
                WHERE b.request_id = ANY(ids || overdue)
        )) ORDER BY counter FOR UPDATE) c;
    SELECT a_names || array_agg(c.counter), a_spent || array_agg(c.spent),
            a_held || array_agg(c.reserved), a_since || array_agg(c.since),
            a_ends || array_agg(c.ends_at), a_defined || array_agg(c.definition)
        INTO a_names, a_spent, a_held, a_since, a_ends, a_defined
        FROM budget_counters c WHERE c.counter = ANY(ARRAY(
            SELECT e_l->>0
                FROM jsonb_array_elements(operations) e, jsonb_array_elements(e->'limits') e_l
                WHERE e->>'do' = 'look'
        )) AND c.counter <> ALL(COALESCE(a_names, '{}'));
    SELECT COALESCE(jsonb_object_agg(u.name, u.at), '{}') INTO place
        FROM unnest(a_names) WITH ORDINALITY AS u (name, at);
    a_changed := array_fill(false, ARRAY[COALESCE(cardinality(a_names), 0)]);
    operations := COALESCE((
        SELECT jsonb_agg(jsonb_build_object(
            'do', 'expire', 'id', b.request_id, 'tokens', '[0, 0, 0, 0]'::jsonb,
            'priced', false, 'outcome', 'expired', 'amounts',
            CASE WHEN charging THEN jsonb_build_array(b.nano, b.tokens, b.requests)
                ELSE '[0, 0, 0]' END) ORDER BY b.deadline, b.request_id)
        FROM budget_reservations b WHERE b.request_id = ANY(overdue)), '[]') || operations;
"""

_RESERVE = """
    FOR o IN SELECT * FROM jsonb_array_elements(operations) LOOP
        kind := o->>'do';
        answer := NULL;
        known := false;
        IF kind <> 'look' THEN
            SELECT * INTO r FROM budget_reservations WHERE request_id = o->>'id';
            known := FOUND;
        END IF;
        booked := o ? 'cost';
        IF kind = 'reserve' AND known AND r.state = 'open' AND NOT booked THEN
            kind := 'look';
        ELSIF kind = 'reserve' AND NOT (known AND booked) THEN
            n := 0; counts := '[]'; a_holds := '[]';
            FOR l IN SELECT * FROM jsonb_array_elements(o->'limits') LOOP
                i := (place->>(l->>0))::int;
                c_spent := a_spent[i]; c_held := a_held[i]; c_since := a_since[i];
                c_ends := a_ends[i]; c_defined := a_defined[i];
                IF now_s >= c_ends THEN
                    c_spent := 0; c_held := 0; c_since := now_s;
                    c_ends := (l->>4)::bigint; c_defined := l->>1;
                ELSIF c_defined <> l->>1 THEN
                    c_ends := (l->>4)::bigint; c_defined := l->>1;
                END IF;
                amount := (o->'estimate'->>(l->>2)::int)::bigint;
                room := (l->>3)::numeric - c_spent - c_held;
                amount := CASE
                    WHEN booked THEN 0
                    WHEN mode = 'after' THEN CASE WHEN c_spent >= (l->>3)::bigint THEN -1 ELSE 0 END
                    WHEN room <= 0 THEN -1
                    WHEN amount <= room THEN amount
                    WHEN mode = 'fit' THEN room
                    ELSE -1
                END;
                IF amount < 0 THEN
                    answer := jsonb_build_array(n, jsonb_build_array(
                        jsonb_build_array(c_spent, c_held, c_since, c_ends, c_defined)));
                    EXIT;
                END IF;
                n := n + 1;
                at_i[n] := i; new_spent[n] := c_spent; new_held[n] := c_held + amount;
                new_since[n] := c_since; new_ends[n] := c_ends; new_defined[n] := c_defined;
                counts := counts || jsonb_build_array(jsonb_build_array(
                    c_spent, c_held + amount, c_since, c_ends, c_defined));
                a_holds := a_holds || jsonb_build_array(
                    jsonb_build_array(l->0, c_since, to_jsonb(c_ends), l->2, amount));
            END LOOP;
            IF answer IS NULL THEN
                FOR k IN 1 .. n LOOP
                    i := at_i[k];
                    a_spent[i] := new_spent[k]; a_held[i] := new_held[k];
                    a_since[i] := new_since[k]; a_ends[i] := new_ends[k];
                    a_defined[i] := new_defined[k]; a_changed[i] := true;
                END LOOP;
                INSERT INTO budget_reservations AS b (
                    request_id, at, deadline, state, holds, nano, tokens, requests, issuer,
                    user_id, team_id, organization_id, end_user_id, model, price_version, memo
                ) VALUES (
                    o->>'id', GREATEST(at_us, r.at + 1), at_us + timeout_us, 'open', a_holds::text,
                    (o->'estimate'->>0)::bigint, (o->'estimate'->>1)::bigint,
                    (o->'estimate'->>2)::bigint, o->'who'->>0, o->'who'->>1, o->'who'->>2,
                    o->'who'->>3, o->'who'->>4, o->>'model', o->>'version', o->>'memo'
                ) ON CONFLICT (request_id) DO UPDATE SET
                    at = excluded.at, deadline = excluded.deadline, state = 'open',
                    holds = excluded.holds, nano = excluded.nano, tokens = excluded.tokens,
                    requests = excluded.requests, issuer = excluded.issuer,
                    user_id = excluded.user_id, team_id = excluded.team_id,
                    organization_id = excluded.organization_id,
                    end_user_id = excluded.end_user_id, model = excluded.model,
                    price_version = excluded.price_version, memo = excluded.memo
                    WHERE b.state <> 'open'
                RETURNING * INTO r;
                known := FOUND;
                IF NOT known AND n > 0 THEN  -- at this moment, by somebody with other limits
                    RAISE serialization_failure;
                END IF;
                answer := jsonb_build_array(NULL, counts);
            END IF;
        END IF;
"""

_END = """
        IF booked THEN
            kind := 'end';
            o := o->'cost';
        END IF;
        IF kind IN ('end', 'expire') AND NOT known THEN
            answer := '"unknown"';
        ELSIF kind IN ('end', 'expire') AND (r.state = 'done' OR (
                r.state = 'expired' AND o->>'outcome' = 'expired'
                AND jsonb_build_array(r.nano, r.tokens, r.requests) = o->'amounts')) THEN
            answer := '"already settled"';
        ELSIF kind IN ('end', 'expire') THEN
            late := r.state = 'expired';
            outcome_word := CASE WHEN late THEN 'late' ELSE o->>'outcome' END;
            charged := ARRAY[r.nano, r.tokens, r.requests];
            a_charges := '[]';
            FOR l IN SELECT * FROM jsonb_array_elements(r.holds::jsonb) LOOP
                i := (place->>(l->>0))::int;
                amount := (o->'amounts'->>(l->>3)::int)::bigint;
                c_ends := (l->>2)::bigint;
                IF a_since[i] = (l->>1)::bigint THEN
                    c_ends := a_ends[i];
                    c_spent := a_spent[i];
                    IF late THEN
                        c_spent := GREATEST(c_spent - charged[(l->>3)::int + 1], 0);
                    ELSE
                        a_held[i] := a_held[i] - (l->>4)::bigint;
                    END IF;
                    a_spent[i] := LEAST(c_spent + amount::numeric, most)::bigint;
                    a_changed[i] := true;
                END IF;
                a_charges := a_charges || jsonb_build_array(
                    jsonb_build_array(l->0, l->1, to_jsonb(c_ends), amount));
            END LOOP;
            INSERT INTO ledger AS kept (
                request_id, at, settled_at, issuer, user_id, team_id, organization_id,
                end_user_id, model, input_tokens, output_tokens, cached_tokens,
                reasoning_tokens, nano_usd, price_version, outcome, charges
            ) VALUES (
                r.request_id, r.at, at_us, r.issuer, r.user_id, r.team_id, r.organization_id,
                r.end_user_id, r.model, (o->'tokens'->>0)::bigint, (o->'tokens'->>1)::bigint,
                (o->'tokens'->>2)::bigint, (o->'tokens'->>3)::bigint,
                (o->'amounts'->>0)::bigint,
                CASE WHEN (o->>'priced')::boolean THEN r.price_version END, outcome_word,
                a_charges::text
            ) ON CONFLICT (request_id, at) DO UPDATE SET
                settled_at = excluded.settled_at, input_tokens = excluded.input_tokens,
                output_tokens = excluded.output_tokens, cached_tokens = excluded.cached_tokens,
                reasoning_tokens = excluded.reasoning_tokens, nano_usd = excluded.nano_usd,
                price_version = excluded.price_version, outcome = excluded.outcome,
                charges = excluded.charges
            WHERE kept.outcome = 'expired' AND excluded.outcome = 'late';
            UPDATE budget_reservations SET
                state = CASE WHEN outcome_word = 'expired' THEN 'expired' ELSE 'done' END,
                deadline = at_us + timeout_us, nano = (o->'amounts'->>0)::bigint,
                tokens = (o->'amounts'->>1)::bigint, requests = (o->'amounts'->>2)::bigint
            WHERE request_id = r.request_id;
            answer := '"settled"';
"""

_REST = """
        ELSIF kind = 'withdraw' AND known AND r.state = 'open'
                AND (o->'memos' = '[]' OR o->'memos' ? r.memo) THEN
            DELETE FROM budget_reservations WHERE request_id = r.request_id;
            FOR l IN SELECT * FROM jsonb_array_elements(r.holds::jsonb) LOOP
                i := (place->>(l->>0))::int;
                IF a_since[i] = (l->>1)::bigint THEN
                    a_held[i] := a_held[i] - (l->>4)::bigint;
                    a_changed[i] := true;
                END IF;
            END LOOP;
        ELSIF kind = 'look' THEN
            counts := '[]';
            FOR l IN SELECT * FROM jsonb_array_elements(o->'limits') LOOP
                i := (place->>(l->>0))::int;
                counts := counts || jsonb_build_array(CASE WHEN i IS NOT NULL THEN
                    jsonb_build_array(
                        a_spent[i], a_held[i], a_since[i], a_ends[i], a_defined[i]) END);
            END LOOP;
            answer := jsonb_build_array(NULL, counts);
        ELSIF kind = 'find' AND known THEN
            answer := jsonb_build_array(r.memo, r.state = 'done');
        END IF;
        IF o->>'do' <> 'expire' THEN
            answers := array_append(answers, answer);
        END IF;
    END LOOP;
    UPDATE budget_counters c SET spent = u.spent, reserved = u.held, since = u.since,
        ends_at = u.ends, definition = u.defined
        FROM unnest(a_names, a_spent, a_held, a_since, a_ends, a_defined, a_changed)
            AS u (name, spent, held, since, ends, defined, changed)
        WHERE c.counter = u.name AND u.changed;
    DELETE FROM budget_reservations WHERE request_id IN (
        SELECT request_id FROM budget_reservations
        WHERE state IN ('done', 'expired') AND deadline <= at_us
        LIMIT 100 FOR UPDATE SKIP LOCKED);
    RETURN to_jsonb(answers);
END $$
"""

FUNCTIONS = f"{_DECLARE}{_LOCK}{_RESERVE}{_END}{_REST}"
"""What a connection has to be told once."""

DO = "SELECT pg_temp.gatepass_do($1::jsonb, $2, $3, $4, $5, $6)"
"""Operations, admission, whether overdue ones are charged, seconds, microseconds, timeout."""
