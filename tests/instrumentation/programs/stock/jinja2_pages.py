"""Pages by Jinja2: from text, from a loader, an error in a template."""

import jinja2

pages = jinja2.DictLoader({"order": "{{ order }} of {{ sku|upper }}"})
environment = jinja2.Environment(loader=pages, autoescape=True)
print(environment.get_template("order").render(order=1, sku="tea"))
print(jinja2.Template("{% for n in range(3) %}{{ n }}{% endfor %}").render())
try:
    environment.from_string("{{ missing.field }}").render()
except jinja2.UndefinedError as error:
    print(error)
