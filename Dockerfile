# One image for the collector, the dashboard and the sample services; compose.yaml says which part runs.
FROM python:3.13-slim AS build
WORKDIR /src
COPY requirements-dev.txt ./
# uv itself comes from the lock too: its entry, with its hashes.
RUN sed -n '/^uv==/,/[^\\]$/p' requirements-dev.txt > uv.txt \
    && pip install --no-cache-dir --no-deps --require-hashes --requirement uv.txt
COPY . .
# As constraints the lock pins and checks (by hash) all that `demo` needs, and leaves out the tools of development.
# Byte code is compiled here, as the user of the image may not write beside the code.
ENV UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 UV_NO_CACHE=1
RUN uv venv /opt/laban \
    && uv pip install --python /opt/laban/bin/python --constraints requirements-dev.txt '.[demo]'

FROM python:3.13-slim
RUN useradd --system --create-home laban && install --directory --owner=laban /data
COPY --from=build /opt/laban /opt/laban
ENV PATH=/opt/laban/bin:$PATH PYTHONUNBUFFERED=1
USER laban
WORKDIR /data
VOLUME /data
ENTRYPOINT ["laban"]
CMD ["serve"]
