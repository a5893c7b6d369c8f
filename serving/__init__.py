"""The HTTP server that emulator and forwarder share; it knows nothing of Segment and Optimizely.

uvicorn, with httptools and uvloop, serves both. This room adds what it lacks:

- `server`: starts and stops uvicorn in a thread without delay, on a socket that already listens, so that the port is known
  for port 0. `Server.ask` answers a request in the same process without the network, through the same code.
- `connection`: uvicorn's protocol class with limits for heads, trailers and chunk extensions, a least rate for sending and
  reading, answers to clients that close their sending side first, errors in our JSON, and ways to break a connection.
- `application`: the ASGI application around a WSGI app. a2wsgi was tried and is not enough: each client that sends slowly
  or waits holds one of its threads, it decodes the path twice (`%FF` is lost), and it reads a whole body before the app can
  refuse it. Ours reads a body on the loop, at most its limit and one byte; then the app runs in a thread.
- Waiting needs no thread. A view that finds too few rows sets a `Wait` on its request: the time, a check, a subscription.
  The application waits on the loop until news, the end of the time, the client's leaving or the server's stop; then it
  calls the view again.
- Direct answers. `Server(direct=…)` maps a request's method, target and headers to a handler that runs on the loop with the
  whole body and returns an `Answer`, or None to leave the request to the app.
"""
