# The sandbox: emulator and viewer on 8410, forwarder on 8411, the real hosts over TLS on 443.
FROM python:3.13-slim
COPY . /source
RUN pip install --no-cache-dir '/source[postgresql]' && rm -rf /source && useradd --create-home optilocal \
    && mkdir -p /state /data && chown optilocal /state /data
USER optilocal
WORKDIR /data
ENV XDG_STATE_HOME=/state
VOLUME ["/state", "/data"]
EXPOSE 8410 8411 443
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8410/_emulator/health'); u.urlopen('http://127.0.0.1:8411/_forwarder/health')"]
ENTRYPOINT ["optilocal"]
CMD ["up", "--host", "0.0.0.0", "--open", "--tls", "443"]
