{# The end of the last successful load, of the account where it is oldest; null if a named account was never loaded. #}
{% macro last_success(component) %}
{% set accounts = var('ozon_accounts') %}
select {% if accounts %}case when count(*) = {{ accounts | length }} then min(loaded_at) end{% else %}min(loaded_at){% endif %}

from {{ source('ozon_bi', 'freshness') }}
where component = '{{ component }}'
{% if accounts %}
  and account in ('{{ accounts | join("', '") }}')
{% endif %}
{% endmacro %}
