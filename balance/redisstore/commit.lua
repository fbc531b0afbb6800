-- Commits a batch's changes of one partition: all of them, or none.
--
-- KEYS, all in the partition's hash slot. Every key is declared: while a cluster moves the slot, it refuses the whole
-- call when one of them is not here, instead of one write in the middle.
--   1              meta (hash)
--   2              due (sorted set)
--   3              catalogue (list)
--   4 …            accounts (hashes), as many as ARGV[7]
--   …              segments to append to (strings), as many as ARGV[8]; a key may be repeated
--   …              segments to delete (strings), as many as ARGV[9]
--   …              index of a connector (sets), as many as ARGV[10]
--
-- ARGV
--   1              the owner's epoch, number:token
--   2              its number alone
--   3              expected next offset
--   4              next offset after the batch
--   5              clock after the batch, milliseconds; empty for none
--   6              the batch: expected:next:digest
--   7 … 10         counts of keys, see above
--   11             how many broadcasts
--   12             how many statuses
--   then           for each status: field of meta, number to add
--   then           the broadcasts
--   then           data to append, one for each segment to append to
--   then           for each account: due instant (milliseconds or +inf), id
--   then           for each account: version before, balance before ("0", "0" where there is none),
--                  how many arguments name and give fields, how many name fields to delete,
--                  version, balance, core, then name and value of each field, then the names to delete
--   then           for each index: 1 if its accounts are to be woken, how many ids to add, the ids
--
-- Returns {kind, meta, account, version, balance}
--   kind           applied, already_applied, fenced, rewound, diverged
--   meta           unless applied: the values of epoch, next, clock, last and of the statuses in the order given
--   account        diverged because of an account: which one, from 1, and what is stored of it
--
-- Redis takes nothing back when a script fails halfway. So whatever could fail is tried before the first write:
--   * what the keys hold, and that each is of its type, by reading them;
--   * what the user may do, by asking;
--   * memory: Redis compares it with maxmemory once, when the call begins, and refuses the first command that may
--     need memory. That command is the first write here (HSET of meta), so a full Redis refuses all or nothing.
--     A command that frees memory must not come before it: it would be let through, and HSET after it as well.
--   * a read-only replica, failed persistence, too few replicas: judged at the first write likewise.
--
-- No arithmetic on credits: marks are compared and stored as the text that they came as. A number here is a double;
-- offsets and counts stay below 2^53.

local call = redis.call
-- unpack goes through a stack that is small (about 8,000 values in Redis, less in other implementations).
local CHUNK = 1000
-- The longest string that Redis stores unless configured otherwise.
local STRING_MAX = 512 * 1024 * 1024

local META, DUE, CATALOGUE = KEYS[1], KEYS[2], KEYS[3]
local epoch, number = ARGV[1], tonumber(ARGV[2])
local expected, next_offset, clock, batch = ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local accounts, appends, drops, indexes = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10])
local broadcasts, statuses = tonumber(ARGV[11]), tonumber(ARGV[12])

-- Where the sections begin.
local account_keys = 3
local append_keys = account_keys + accounts
local drop_keys = append_keys + appends
local index_keys = drop_keys + drops
local status_args = 13
local broadcast_args = status_args + 2 * statuses
local append_args = broadcast_args + broadcasts
local due_args = append_args + appends
local account_args = due_args + 2 * accounts

-- write calls command key … with ARGV[first] … ARGV[last], in pieces of an even number of arguments.
local function write(command, key, first, last)
  for from = first, last, CHUNK do
    call(command, key, unpack(ARGV, from, math.min(from + CHUNK - 1, last)))
  end
end

-- 1. Where does the partition stand?
local fields = {'epoch', 'next', 'clock', 'last'}
for i = 0, statuses - 1 do
  fields[#fields + 1] = ARGV[status_args + 2 * i]
end
local meta = call('HMGET', META, unpack(fields))

if not meta[1] or not meta[2] then
  return {'rewound', meta}
end
if meta[1] ~= epoch then
  local stored = tonumber(string.match(meta[1], '^(%d+):'))
  if stored < number then
    return {'rewound', meta}
  end
  return {'fenced', meta}
end
if meta[2] ~= expected then
  if meta[2] == next_offset and meta[4] == batch then
    return {'already_applied', meta}
  end
  if tonumber(meta[2]) < tonumber(expected) then
    return {'rewound', meta}
  end
  return {'diverged', meta}
end

-- 2. Are the accounts what the owner thinks? HMGET fails on a key of another type.
local at = account_args
for i = 1, accounts do
  local mark = call('HMGET', KEYS[account_keys + i], 'v', 'b')
  if (mark[1] or '0') ~= ARGV[at] or (mark[2] or '0') ~= ARGV[at + 1] then
    return {'diverged', meta, i, mark[1] or '0', mark[2] or '0'}
  end
  at = at + 7 + tonumber(ARGV[at + 2]) + tonumber(ARGV[at + 3])
end
local index_args = at

-- 3. Could a write fail? Reading fails on a key of another type.
call('ZCARD', DUE)
call('LLEN', CATALOGUE)
local appended = {}
for i = 1, appends do
  local key = KEYS[append_keys + i]
  local length = (appended[key] or call('STRLEN', key)) + #ARGV[append_args + i - 1]
  if length > STRING_MAX then
    return redis.error_reply('ERR segment ' .. key .. ' would be longer than a string can be; nothing was written')
  end
  appended[key] = length
end
for i = 1, indexes do
  call('SCARD', KEYS[index_keys + i])
end
local position = {'next', next_offset, 'clock', clock, 'last', batch}
for i = 1, statuses do
  local count = tonumber(meta[4 + i] or '0')
  if not count then
    return redis.error_reply('ERR ' .. fields[4 + i] .. ' of ' .. META .. ' is no number; nothing was written')
  end
  position[#position + 1] = fields[4 + i]
  position[#position + 1] = string.format('%.0f', count + tonumber(ARGV[status_args + 2 * i - 1]))
end
if redis.acl_check_cmd then -- since Redis 7
  local may = {
    {'HSET', META, 'next', '0'}, {'HDEL', META, 'none'}, {'ZADD', DUE, 'XX', 'LT', '0', ''},
    {'RPUSH', CATALOGUE, ''}, {'APPEND', META, ''}, {'DEL', META}, {'SADD', META, ''}, {'SMEMBERS', META},
  }
  for i = 1, #may do
    if not redis.acl_check_cmd(unpack(may[i])) then
      return redis.error_reply('NOPERM this user may not run ' .. may[i][1] .. ' on ' .. may[i][2] .. '; nothing was written')
    end
  end
end

-- 4. Write. HSET of meta comes first, see above.
call('HSET', META, unpack(position))

at = account_args
for i = 1, accounts do
  local key, set, del = KEYS[account_keys + i], tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local first = at + 7
  if set <= CHUNK then
    call('HSET', key, 'v', ARGV[at + 4], 'b', ARGV[at + 5], 's', ARGV[at + 6], unpack(ARGV, first, first + set - 1))
  else
    call('HSET', key, 'v', ARGV[at + 4], 'b', ARGV[at + 5], 's', ARGV[at + 6])
    write('HSET', key, first, first + set - 1)
  end
  if del > 0 then
    write('HDEL', key, first + set, first + set + del - 1)
  end
  at = first + set + del
end
write('ZADD', DUE, due_args, account_args - 1)
write('RPUSH', CATALOGUE, broadcast_args, append_args - 1)
for i = 1, drops do
  call('DEL', KEYS[drop_keys + i])
end
for i = 1, appends do
  call('APPEND', KEYS[append_keys + i], ARGV[append_args + i - 1])
end

-- XX: an entry whose account is not stored wakes nobody. LT: what is due earlier stays.
local function wake(key)
  local ids = call('SMEMBERS', key)
  for from = 1, #ids, CHUNK do
    local scored = {}
    for i = from, math.min(from + CHUNK - 1, #ids) do
      scored[#scored + 1] = clock
      scored[#scored + 1] = ids[i]
    end
    call('ZADD', DUE, 'XX', 'LT', unpack(scored))
  end
end

at = index_args
for i = 1, indexes do
  local key, count = KEYS[index_keys + i], tonumber(ARGV[at + 1])
  write('SADD', key, at + 2, at + 1 + count)
  if ARGV[at] == '1' then
    wake(key)
  end
  at = at + 2 + count
end

return {'applied'}
