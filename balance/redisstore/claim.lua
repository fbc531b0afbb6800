-- Makes the caller the only owner of a partition. A repetition with the same token changes nothing.
--
-- KEYS
--   1     meta (hash)
-- ARGV
--   1     token of this claim
--   2 …   fields of meta with the counts of accounts by status
--
-- Returns the values of epoch, next, clock, last and of the statuses in the order given, as they are after the claim.

local META, token = KEYS[1], ARGV[1]

local epoch = redis.call('HGET', META, 'epoch') or '0:'
local number, owner = string.match(epoch, '^(%d+):(.*)$')
if not number then
  return redis.error_reply('ERR epoch of ' .. META .. ' is not number:token; nothing was written')
end
if owner ~= token then
  local changes = {'epoch', string.format('%.0f', tonumber(number) + 1) .. ':' .. token}
  if redis.call('HEXISTS', META, 'next') == 0 then
    changes[3], changes[4] = 'next', '0'
  end
  redis.call('HSET', META, unpack(changes))
end
return redis.call('HMGET', META, 'epoch', 'next', 'clock', 'last', unpack(ARGV, 2))
