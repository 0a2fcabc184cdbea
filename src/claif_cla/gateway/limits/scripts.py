"""The scripts that Redis runs: each call is let in, ended or prolonged in one atomic step.

All keys of one API key share a hash tag, so that a cluster keeps them on one node:

| key | what it holds | for how long |
|---|---|---|
| `…:state` | hash: the buckets, when they were so, what calls in flight have reserved | a day |
| `…:calls` | sorted set: the calls in flight, by the deadline of their lease | two leases |
| `…:held` | hash: what each of them has reserved, `tokens cost` | two leases |
| `…:day`, `…:month` | hash: `period`, `spent`, of it `by:<ledger>`, `run:<process>` | 2, 33 days |
| `…:month`, too | `memory`: that of the Redis whose sums these are | |
| `<prefix>:memory` | of no key: a random text, another once Redis forgot | 33 days |

**Money.** With every call a process tells two sums: what its ledger knew when it began, and what
it has spent itself since. The script raises the ledger's part to the first at least, adds what
the second is above what the process told last, and raises the total by the difference. So telling
the same again changes nothing, a sum that was not told comes with the next one, and a Redis that
has forgotten all is told it again by every replica, as soon as it notices. A call is judged only
where the key's sums are of the memory that its replica knows, so that one which has not noticed
yet, or has never asked of the key, lets nobody in by sums that only some have told.

**Tokens and calls.** What a call has reserved is found by its id, and taken away with it: ending a
call twice ends it once. Calls whose lease has run out are taken away by the next one.

Numbers that may have a fraction travel as text, as Redis cuts them otherwise. Lua's numbers are
the same doubles as Python's, and the steps are the same as in `in_process`: so are the verdicts.
"""

from __future__ import annotations

from claif_cla.gateway.limits.counters import LimitName

__all__ = ["GIVE", "LIMITS", "OTHER_MEMORY", "REMEMBER", "RENEW", "TAKE", "TELL", "UNKNOWN"]

LIMITS: tuple[LimitName | None, ...] = (
    None,
    "monthly_budget",
    "daily_budget",
    "concurrent",
    "requests_per_minute",
    "tokens_per_minute",
)
"""What the number that `TAKE` answers first means."""
UNKNOWN, OTHER_MEMORY = -1, -2
"""What it answers instead where Redis has no sums of the key, or those of another memory: nothing
is counted then. See `redis_memory`."""

_COMMON = """
local state, calls, held, days, months = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local function text(number) return string.format('%.17g', number) end

local function instant(given)
  if given ~= '' then return tonumber(given) end
  local time = redis.call('TIME')
  return tonumber(time[1]) + tonumber(time[2]) / 1000000
end

-- Calls whose replica has died. A hundred at a time: the next call takes the next.
local function expire(now, bucket)
  for _, visit in ipairs(redis.call('ZRANGEBYSCORE', calls, '-inf', text(now), 'LIMIT', 0, 100)) do
    local entry = redis.call('HGET', held, visit)
    if entry then
      local tokens, cost = string.match(entry, '(%d+) (%d+)')
      bucket.held_tokens = bucket.held_tokens - tonumber(tokens)
      bucket.held_cost = bucket.held_cost - tonumber(cost)
    end
    redis.call('ZREM', calls, visit)
    redis.call('HDEL', held, visit)
  end
  bucket.calls = redis.call('ZCARD', calls)
  if bucket.calls == 0 then bucket.held_tokens, bucket.held_cost = 0, 0 end
end

local function drained(amount, rate, elapsed)
  if rate <= 0 then return 0 end
  return math.max(0, amount - elapsed * rate / 60)
end

local function read(now, request_rate, token_rate)
  local found = redis.call('HMGET', state, 'at', 'requests', 'tokens', 'held_tokens', 'held_cost')
  local bucket = {
    at = tonumber(found[1] or text(now)),
    requests = tonumber(found[2] or '0'),
    tokens = tonumber(found[3] or '0'),
    held_tokens = tonumber(found[4] or '0'),
    held_cost = tonumber(found[5] or '0'),
  }
  local elapsed = now - bucket.at
  if elapsed > 0 then
    bucket.at = now
    bucket.requests = drained(bucket.requests, request_rate, elapsed)
    bucket.tokens = drained(bucket.tokens, token_rate, elapsed)
  end
  expire(now, bucket)
  return bucket
end

local function write(bucket)
  redis.call('HSET', state, 'at', text(bucket.at), 'requests', text(bucket.requests),
    'tokens', text(bucket.tokens), 'held_tokens', text(bucket.held_tokens),
    'held_cost', text(bucket.held_cost))
  redis.call('EXPIRE', state, 86400)
end

-- What was spent in a period, once it is told what a process knows of the period `theirs`: what its
-- ledger had `before`, and what is its `own`.
local function spent(key, current, ledger, run, theirs, before, own, ttl)
  local at = tonumber(redis.call('HGET', key, 'period') or '-1')
  if current > at then
    local memory = redis.call('HGET', key, 'memory')
    redis.call('DEL', key)
    redis.call('HSET', key, 'period', text(current), 'spent', '0')
    if memory then redis.call('HSET', key, 'memory', memory) end
    at = current
  end
  local known = redis.call('HMGET', key, 'spent', 'by:' .. ledger, 'run:' .. run)
  local total, by, told = tonumber(known[1]), tonumber(known[2] or '0'), tonumber(known[3] or '0')
  if tonumber(theirs) == at then
    local sum = math.max(by, tonumber(before)) + math.max(0, tonumber(own) - told)
    if sum > by then
      total = total + sum - by
      redis.call('HSET', key, 'spent', text(total), 'by:' .. ledger, text(sum))
    end
    if tonumber(own) > told then redis.call('HSET', key, 'run:' .. run, own) end
  end
  redis.call('EXPIRE', key, ttl)
  return total, at
end

-- Days from 1970-01-01 to months from the year 0, by the Gregorian calendar.
local function month_of(day)
  local z = day + 719468
  local era = math.floor(z / 146097)
  local doe = z - era * 146097
  local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524)
    - math.floor(doe / 146096)) / 365)
  local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
  local mp = math.floor((5 * doy + 2) / 153)
  local month = mp < 10 and mp + 2 or mp - 10
  local year = yoe + era * 400
  if month < 2 then year = year + 1 end
  return year * 12 + month
end

local function money(now)
  local ledger, run, today = ARGV[2], ARGV[3], math.floor(now / 86400)
  local d, d_at = spent(days, today, ledger, run, ARGV[4], ARGV[5], ARGV[6], 172800)
  local m, m_at = spent(months, month_of(today), ledger, run, ARGV[7], ARGV[8], ARGV[9], 2851200)
  return d, m, {text(d), text(d_at), text(m), text(m_at)}
end
"""

# ARGV: now; ledger, process; day, spent before, by the process; month and the same; requests a
# minute, tokens a minute (-1: no limit); visit, tokens; for TAKE also cost, concurrent, daily and
# monthly budget, lease, the memory that is known, and whether it is that of a key without sums.
TAKE = (
    _COMMON
    + """
local now = instant(ARGV[1])
local rpm, tpm = tonumber(ARGV[10]), tonumber(ARGV[11])
local visit, tokens, cost = ARGV[12], tonumber(ARGV[13]), tonumber(ARGV[14])
local concurrent, daily, monthly = tonumber(ARGV[15]), tonumber(ARGV[16]), tonumber(ARGV[17])
local lease = tonumber(ARGV[18])
local memory = redis.call('HGET', months, 'memory')
if memory ~= ARGV[19] and ARGV[20] ~= '1' then return {memory and -2 or -1} end
local bucket = read(now, rpm, tpm)
local d, m, told = money(now)
if memory ~= ARGV[19] then redis.call('HSET', months, 'memory', ARGV[19]) end

local over = 0
if monthly >= 0 and m + bucket.held_cost >= monthly then over = 1
elseif daily >= 0 and d + bucket.held_cost >= daily then over = 2
elseif concurrent >= 0 and bucket.calls >= concurrent then over = 3
elseif rpm >= 0 and bucket.requests + 1 > rpm + 0.000001 then over = 4
elseif tpm >= 0 and bucket.tokens + bucket.held_tokens + tokens > tpm + 0.000001 then over = 5
end
if over == 0 then
  bucket.calls = bucket.calls + 1
  bucket.requests = bucket.requests + 1
  bucket.held_tokens = bucket.held_tokens + tokens
  bucket.held_cost = bucket.held_cost + cost
  redis.call('ZADD', calls, text(now + lease), visit)
  redis.call('HSET', held, visit, ARGV[13] .. ' ' .. ARGV[14])
  redis.call('EXPIRE', calls, lease * 2)
  redis.call('EXPIRE', held, lease * 2)
end
write(bucket)
return {over, text(bucket.requests), text(bucket.tokens + bucket.held_tokens), bucket.calls,
  text(now), unpack(told)}
"""
)

GIVE = (
    _COMMON
    + """
local now = instant(ARGV[1])
local visit, tokens = ARGV[12], tonumber(ARGV[13])
local bucket = read(now, tonumber(ARGV[10]), tonumber(ARGV[11]))
money(now)
local entry = redis.call('HGET', held, visit)
if entry then
  local reserved, cost = string.match(entry, '(%d+) (%d+)')
  bucket.held_tokens = bucket.held_tokens - tonumber(reserved)
  bucket.held_cost = bucket.held_cost - tonumber(cost)
  bucket.tokens = bucket.tokens + tokens
  redis.call('ZREM', calls, visit)
  redis.call('HDEL', held, visit)
end
write(bucket)
return entry and 1 or 0
"""
)

# ARGV: as for GIVE, of which the limits and the call do not matter; the memory that is told all,
# or nothing.
TELL = (
    _COMMON
    + """
money(instant(ARGV[1]))
if ARGV[14] ~= '' then redis.call('HSET', months, 'memory', ARGV[14]) end
return 1
"""
)

# KEYS: what Redis is known by. ARGV: now, what it is to be known by from now on if it has
# forgotten, after how many seconds it has settled then, and the memory that is no longer whole, or
# nothing. Answers which one it is, and in how many seconds it has settled. Both stand in the text.
REMEMBER = (
    _COMMON
    + """
local now = instant(ARGV[1])
local known, settled = string.match(redis.call('GET', KEYS[1]) or '', '^(%S+) ?(%S*)$')
if not known or known == ARGV[4] then known, settled = ARGV[2], text(now + ARGV[3]) end
redis.call('SET', KEYS[1], known .. ' ' .. settled, 'EX', 2851200)
return {known, text((tonumber(settled) or now) - now)}
"""
)

# ARGV: now, lease, then by call its visit, tokens and cost. A call that Redis has forgotten is
# put back.
RENEW = (
    _COMMON
    + """
local now, lease = instant(ARGV[1]), tonumber(ARGV[2])
if redis.call('EXISTS', calls) == 0 then
  redis.call('DEL', held)
  redis.call('HSET', state, 'held_tokens', '0', 'held_cost', '0')
  redis.call('EXPIRE', state, 86400)
end
for at = 3, #ARGV, 3 do
  local visit, tokens, cost = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  if redis.call('HSETNX', held, visit, tokens .. ' ' .. cost) == 1 then
    redis.call('HINCRBYFLOAT', state, 'held_tokens', tokens)
    redis.call('HINCRBYFLOAT', state, 'held_cost', cost)
  end
  redis.call('ZADD', calls, text(now + lease), visit)
end
redis.call('EXPIRE', calls, lease * 2)
redis.call('EXPIRE', held, lease * 2)
return 1
"""
)
