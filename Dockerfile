# One image for the collector, the dashboard and the sample services; compose.yaml selects the part to run.
FROM python:3.13-slim AS build
WORKDIR /src
COPY requirements-dev.txt ./
# Installs uv itself from its entry in the lock, with hashes.
RUN sed -n '/^uv==/,/[^\\]$/p' requirements-dev.txt > uv.txt \
    && pip install --no-cache-dir --no-deps --require-hashes --requirement uv.txt
COPY . .
# As constraints, the lock pins the packages of `demo` and checks their hashes. It does not install development tools.
# Compiles byte code here, because the user of the image cannot write next to the code.
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
