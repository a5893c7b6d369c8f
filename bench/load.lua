-- wrk's requests: bodies of a few kinds in turn, each with an uuid of its own and one of many visitors. Arguments: seed, visitors, how many requests each thread sends (0: no end), requests a
-- second of each thread (0: as many as it can), datafile GETs in a hundred requests, the path, and the file of bodies.
--
-- Written for speed: every text but the ids is put together once.
local ffi = require("ffi")
ffi.cdef [[ typedef struct { long s; long ns; } moment; int clock_gettime(int clock, moment *at); ]]

-- With this in the environment the URL's host is on a port of this machine, whatever a name server says.
local here = os.getenv("BENCH_CAUGHT_PORT")
if here then
   function wrk.resolve()
      wrk.addrs = wrk.lookup("127.0.0.1", here)
   end
end

local threads = 0
function setup(thread)
   threads = threads + 1
   thread:set("number", threads)
end

local at = ffi.new("moment")
local function now()
   ffi.C.clock_gettime(1, at)
   return tonumber(at.s) * 1000 + tonumber(at.ns) / 1e6
end

local format, random, floor = string.format, math.random, math.floor
local sent, received, kinds, visitors, limit, pace, reads, read, due

local function whole(body, path)
   -- The ids have fixed lengths, so the length of a body is known beforehand.
   local length = #body:gsub("@VISITOR@", ("x"):rep(8)):gsub("@UUID@", ("x"):rep(36))
   local head = "POST " .. path .. " HTTP/1.1\r\nHost: " .. wrk.host .. ":" .. (wrk.port or 80) ..
      "\r\nContent-Type: application/json\r\nUser-Agent: python-requests/2.32.3\r\nAccept: */*\r\nContent-Length: " ..
      length .. "\r\n\r\n"
   local parts = { (head .. body):match("^(.*)@VISITOR@(.*)@UUID@(.*)$") }
   return parts
end

function init(arguments)
   local seed = tonumber(arguments[1])
   visitors, limit, pace = tonumber(arguments[2]), tonumber(arguments[3]), tonumber(arguments[4])
   reads = tonumber(arguments[5])
   local path = arguments[6]
   math.randomseed(seed * 64 + number)
   for _ = 1, 16 do random() end
   sent, received, kinds, due = 0, 0, {}, nil
   for line in io.lines(arguments[7]) do
      kinds[#kinds + 1] = whole(line, path)
   end
   read = "GET /datafiles/" .. arguments[8] .. ".json HTTP/1.1\r\nHost: " .. wrk.host ..
      ":" .. (wrk.port or 80) .. "\r\nAccept: */*\r\n\r\n"
   if limit > 0 then
      function response()
         received = received + 1
         if received == limit then
            -- wrk itself goes on sleeping to the end of its time; load.py wakes it once every thread has said this.
            io.write("thread full\n")
            io.flush()
            wrk.thread:stop()
         end
      end
   end
   if pace > 0 then
      function delay()
         local moment = now()
         due = math.max((due or moment) + 1000 / pace, moment - 1000)
         return math.max(0, floor(due - moment))
      end
   end
end

function request()
   sent = sent + 1
   if reads > 0 and random(100) <= reads then return read end
   local kind = kinds[sent % #kinds + 1]
   local uuid = format("%08x-%04x-4%03x-8%03x-%06x%06x", random(0, 0x7ffffffe), random(0, 0xffff), random(0, 0xfff),
      random(0, 0xfff), sent % 0x1000000, random(0, 0xffffff))
   return kind[1] .. format("v-%06d", random(0, visitors - 1)) .. kind[2] .. uuid .. kind[3]
end
